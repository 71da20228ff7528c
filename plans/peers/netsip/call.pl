# Calls with Net::SIP, plays a file of headerless PCMU, and hangs up: call.pl LOCAL TARGET FILE SECONDS
use strict;
use warnings;
use IO::Socket::INET;
use Net::SIP;

my ($local, $target, $file, $seconds) = @ARGV;
my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $local) or die "cannot listen on $local: $!\n";
my $ua = Net::SIP::Simple->new(from => "sip:netsip\@$local", legs => [Net::SIP::Leg->new(sock => $socket)]);
my ($played, $bye);
my $call = $ua->invite($target, init_media => $ua->rtp('send_recv', $file), cb_rtp_done => \$played,
    asymetric_rtp => 0, rtp_param => [0, 160, 160 / 8000, 'PCMU/8000']) or die "no call: " . $ua->error . "\n";
die "no call: " . $ua->error . "\n" if $ua->error;
$ua->loop($seconds, \$played);
$call->bye(cb_final => \$bye);
$ua->loop(5, \$bye);
die "the other side did not answer BYE\n" unless $bye;
