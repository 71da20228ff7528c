# An answering machine with Net::SIP, which plays a file of headerless PCMU to its caller: answer.pl LOCAL FILE
use strict;
use warnings;
use IO::Socket::INET;
use Net::SIP;

my ($local, $file) = @ARGV;
my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $local) or die "cannot listen on $local: $!\n";
my $ua = Net::SIP::Simple->new(from => "sip:netsip\@$local", legs => [Net::SIP::Leg->new(sock => $socket)]);
my $ended;
$ua->listen(init_media => $ua->rtp('send_recv', $file, -1), recv_bye => \$ended,
    rtp_param => [0, 160, 160 / 8000, 'PCMU/8000']);
$| = 1;
print "listening\n";
$ua->loop(undef, \$ended);
$ua->loop(1);
