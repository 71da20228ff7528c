# A conference of whoever calls, with Net::SIP: each hears the sum of all others, in PCMU: conference.pl LOCAL
use strict;
use warnings;
use IO::Socket::INET;
use Net::SIP;
use Net::SIP::Util 'invoke_callback';
use Scalar::Util 'refaddr';

use constant { FRAME => 160, BUFFERED => 4, MOST => 12 };

# G.711: what each code stands for, and the code of each sample.
my @linear = map {
    my $code = ~$_ & 0xFF;
    my $size = ((($code & 0x0F) << 3) + 132 << (($code >> 4) & 7)) - 132;
    $code & 0x80 ? -$size : $size;
} 0 .. 255;
my @codes = (0) x 65536;
{
    my @rising = sort { $linear[$a] <=> $linear[$b] } 0 .. 255;
    my $at = 0;
    for my $sample (-32768 .. 32767) {
        $at++ while $at < 255 && abs($linear[$rising[$at + 1]] - $sample) <= abs($linear[$rising[$at]] - $sample);
        $codes[$sample & 0xFFFF] = $rising[$at];
    }
}

my ($local) = @ARGV;
my (%waiting, %speaks);    # of each listener: the frames that each other party has said and it has not heard yet

sub hear {                 # a party has said something: everybody else is to hear it
    my ($from, $payload) = @_;
    return if length($payload) != FRAME;
    for my $to (grep { $_ != $from } keys %waiting) {
        my $queue = $waiting{$to}{$from} ||= [];
        push @$queue, $payload;
        shift @$queue if @$queue > MOST;
    }
}

sub say {                  # what a party hears next
    my ($to) = @_;
    my @sum = (0) x FRAME;
    for my $from (keys %{$waiting{$to}}) {
        my $queue = $waiting{$to}{$from};
        $speaks{$to}{$from} ||= @$queue >= BUFFERED;
        my $frame = $speaks{$to}{$from} && shift @$queue;
        unless ($frame) { $speaks{$to}{$from} = 0; next }
        my @codes = unpack 'C*', $frame;
        $sum[$_] += $linear[$codes[$_]] for 0 .. FRAME - 1;
    }
    return pack 'C*', map { $codes[($_ < -32768 ? -32768 : $_ > 32767 ? 32767 : $_) & 0xFFFF] } @sum;
}

my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $local) or die "cannot listen on $local: $!\n";
my $ua = Net::SIP::Simple->new(from => "sip:conference\@$local", legs => [Net::SIP::Leg->new(sock => $socket)]);
$ua->listen(
    init_media => sub {
        my ($call, $args) = @_;
        my $id = refaddr $call;
        $waiting{$id} ||= {};
        invoke_callback($ua->rtp('send_recv', [sub { say($id) }], 1, [sub { hear($id, $_[0]) }]), $call, $args);
    },
    cb_cleanup => sub { delete $waiting{refaddr($_[0]) || 0} },
    rtp_param => [0, FRAME, FRAME / 8000, 'PCMU/8000'],
);
$| = 1;
print "listening\n";
$ua->loop;
