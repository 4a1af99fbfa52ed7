//! The metrics of the rows that are closed in public boards, under `node_exporter`'s names.

use super::{Disk, Guest, Interface, Link, Neighbours, Protocols, Queue, Sockets, Turns};
use crate::catalogue::metrics;

metrics! { Protocols {
    labels {}
    /// Messages of ICMP that were broken. Source: /proc/net/snmp Icmp InErrors.
    established node_netstat_Icmp_InErrors = |p| p.get("Icmp_InErrors");
    /// Messages of ICMP received. Source: /proc/net/snmp Icmp InMsgs.
    established node_netstat_Icmp_InMsgs = |p| p.get("Icmp_InMsgs");
    /// Messages of ICMP sent. Source: /proc/net/snmp Icmp OutMsgs.
    established node_netstat_Icmp_OutMsgs = |p| p.get("Icmp_OutMsgs");
    /// Messages of ICMPv6 that were broken. Source: /proc/net/snmp6 Icmp6 InErrors.
    established node_netstat_Icmp6_InErrors = |p| p.get("Icmp6_InErrors");
    /// Messages of ICMPv6 received. Source: /proc/net/snmp6 Icmp6 InMsgs.
    established node_netstat_Icmp6_InMsgs = |p| p.get("Icmp6_InMsgs");
    /// Messages of ICMPv6 sent. Source: /proc/net/snmp6 Icmp6 OutMsgs.
    established node_netstat_Icmp6_OutMsgs = |p| p.get("Icmp6_OutMsgs");
    /// Whether packets are passed on from one network to another, 1, or not, 2. Source: /proc/net/snmp Ip Forwarding.
    gauge node_netstat_Ip_Forwarding = |p| p.get("Ip_Forwarding");
    /// Bytes of IPv4 received. Source: /proc/net/netstat IpExt InOctets.
    established node_netstat_IpExt_InOctets = |p| p.get("IpExt_InOctets");
    /// Bytes of IPv4 sent. Source: /proc/net/netstat IpExt OutOctets.
    established node_netstat_IpExt_OutOctets = |p| p.get("IpExt_OutOctets");
    /// Bytes of IPv6 received. Source: /proc/net/snmp6 Ip6 InOctets.
    established node_netstat_Ip6_InOctets = |p| p.get("Ip6_InOctets");
    /// Bytes of IPv6 sent. Source: /proc/net/snmp6 Ip6 OutOctets.
    established node_netstat_Ip6_OutOctets = |p| p.get("Ip6_OutOctets");
    /// TCP connections begun from here. Source: /proc/net/snmp Tcp ActiveOpens.
    established node_netstat_Tcp_ActiveOpens = |p| p.get("Tcp_ActiveOpens");
    /// TCP connections begun by others. Source: /proc/net/snmp Tcp PassiveOpens.
    established node_netstat_Tcp_PassiveOpens = |p| p.get("Tcp_PassiveOpens");
    /// TCP connections that are open now. Source: /proc/net/snmp Tcp CurrEstab.
    gauge node_netstat_Tcp_CurrEstab = |p| p.get("Tcp_CurrEstab");
    /// TCP connections that there may be; -1 is no limit. Source: /proc/net/snmp Tcp MaxConn.
    gauge node_netstat_Tcp_MaxConn = |p| p.get("Tcp_MaxConn");
    /// Segments of TCP that were broken. Source: /proc/net/snmp Tcp InErrs.
    established node_netstat_Tcp_InErrs = |p| p.get("Tcp_InErrs");
    /// Segments of TCP received. Source: /proc/net/snmp Tcp InSegs.
    established node_netstat_Tcp_InSegs = |p| p.get("Tcp_InSegs");
    /// Segments of TCP sent. Source: /proc/net/snmp Tcp OutSegs.
    established node_netstat_Tcp_OutSegs = |p| p.get("Tcp_OutSegs");
    /// Resets of TCP sent. Source: /proc/net/snmp Tcp OutRsts.
    established node_netstat_Tcp_OutRsts = |p| p.get("Tcp_OutRsts");
    /// Segments of TCP sent again. Source: /proc/net/snmp Tcp RetransSegs.
    established node_netstat_Tcp_RetransSegs = |p| p.get("Tcp_RetransSegs");
    /// Connections turned away at a listening socket, for whatever reason. Source: /proc/net/netstat TcpExt ListenDrops.
    established node_netstat_TcpExt_ListenDrops = |p| p.get("TcpExt_ListenDrops");
    /// Connections turned away because the queue of a listening socket was full. Source: /proc/net/netstat TcpExt ListenOverflows.
    established node_netstat_TcpExt_ListenOverflows = |p| p.get("TcpExt_ListenOverflows");
    /// SYN cookies that were wrong. Source: /proc/net/netstat TcpExt SyncookiesFailed.
    established node_netstat_TcpExt_SyncookiesFailed = |p| p.get("TcpExt_SyncookiesFailed");
    /// SYN cookies received. Source: /proc/net/netstat TcpExt SyncookiesRecv.
    established node_netstat_TcpExt_SyncookiesRecv = |p| p.get("TcpExt_SyncookiesRecv");
    /// SYN cookies sent. Source: /proc/net/netstat TcpExt SyncookiesSent.
    established node_netstat_TcpExt_SyncookiesSent = |p| p.get("TcpExt_SyncookiesSent");
    /// SYN and SYN/ACK segments sent again. Source: /proc/net/netstat TcpExt TCPSynRetrans.
    established node_netstat_TcpExt_TCPSynRetrans = |p| p.get("TcpExt_TCPSynRetrans");
    /// Segments of TCP that nobody has confirmed in time. Source: /proc/net/netstat TcpExt TCPTimeouts.
    established node_netstat_TcpExt_TCPTimeouts = |p| p.get("TcpExt_TCPTimeouts");
    /// Segments of TCP that came too early and wait. Source: /proc/net/netstat TcpExt TCPOFOQueue.
    established node_netstat_TcpExt_TCPOFOQueue = |p| p.get("TcpExt_TCPOFOQueue");
    /// Segments of TCP dropped because the queue of a socket was full. Source: /proc/net/netstat TcpExt TCPRcvQDrop.
    established node_netstat_TcpExt_TCPRcvQDrop = |p| p.get("TcpExt_TCPRcvQDrop");
    /// Datagrams of UDP received. Source: /proc/net/snmp Udp InDatagrams.
    established node_netstat_Udp_InDatagrams = |p| p.get("Udp_InDatagrams");
    /// Datagrams of UDP sent. Source: /proc/net/snmp Udp OutDatagrams.
    established node_netstat_Udp_OutDatagrams = |p| p.get("Udp_OutDatagrams");
    /// Datagrams of UDP that were broken or found no room. Source: /proc/net/snmp Udp InErrors.
    established node_netstat_Udp_InErrors = |p| p.get("Udp_InErrors");
    /// Datagrams of UDP to a port that nobody has. Source: /proc/net/snmp Udp NoPorts.
    established node_netstat_Udp_NoPorts = |p| p.get("Udp_NoPorts");
    /// Datagrams of UDP that found no room at the receiver. Source: /proc/net/snmp Udp RcvbufErrors.
    established node_netstat_Udp_RcvbufErrors = |p| p.get("Udp_RcvbufErrors");
    /// Datagrams of UDP that found no room at the sender. Source: /proc/net/snmp Udp SndbufErrors.
    established node_netstat_Udp_SndbufErrors = |p| p.get("Udp_SndbufErrors");
    /// Datagrams of UDP over IPv6 received. Source: /proc/net/snmp6 Udp6 InDatagrams.
    established node_netstat_Udp6_InDatagrams = |p| p.get("Udp6_InDatagrams");
    /// Datagrams of UDP over IPv6 sent. Source: /proc/net/snmp6 Udp6 OutDatagrams.
    established node_netstat_Udp6_OutDatagrams = |p| p.get("Udp6_OutDatagrams");
    /// Datagrams of UDP over IPv6 that were broken or found no room. Source: /proc/net/snmp6 Udp6 InErrors.
    established node_netstat_Udp6_InErrors = |p| p.get("Udp6_InErrors");
    /// Datagrams of UDP over IPv6 to a port that nobody has. Source: /proc/net/snmp6 Udp6 NoPorts.
    established node_netstat_Udp6_NoPorts = |p| p.get("Udp6_NoPorts");
    /// Datagrams of UDP over IPv6 that found no room at the receiver. Source: /proc/net/snmp6 Udp6 RcvbufErrors.
    established node_netstat_Udp6_RcvbufErrors = |p| p.get("Udp6_RcvbufErrors");
    /// Datagrams of UDP over IPv6 that found no room at the sender. Source: /proc/net/snmp6 Udp6 SndbufErrors.
    established node_netstat_Udp6_SndbufErrors = |p| p.get("Udp6_SndbufErrors");
    /// Datagrams of UDP-Lite that were broken. Source: /proc/net/snmp UdpLite InErrors.
    established node_netstat_UdpLite_InErrors = |p| p.get("UdpLite_InErrors");
    /// Datagrams of UDP-Lite over IPv6 that were broken. Source: /proc/net/snmp6 UdpLite6 InErrors.
    established node_netstat_UdpLite6_InErrors = |p| p.get("UdpLite6_InErrors");
} }

metrics! { Sockets {
    labels {}
    /// Sockets of all kinds. Source: /proc/net/sockstat sockets used.
    gauge node_sockstat_sockets_used = |s| s.get("sockets_used");
    /// Sockets of TCP in use. Source: /proc/net/sockstat TCP inuse.
    gauge node_sockstat_TCP_inuse = |s| s.get("TCP_inuse");
    /// Connections of TCP that no process holds any more. Source: /proc/net/sockstat TCP orphan.
    gauge node_sockstat_TCP_orphan = |s| s.get("TCP_orphan");
    /// Connections of TCP that wait for late segments (TIME_WAIT). Source: /proc/net/sockstat TCP tw.
    gauge node_sockstat_TCP_tw = |s| s.get("TCP_tw");
    /// Sockets of TCP for which there is memory. Source: /proc/net/sockstat TCP alloc.
    gauge node_sockstat_TCP_alloc = |s| s.get("TCP_alloc");
    /// Memory of TCP's buffers, in pages. Source: /proc/net/sockstat TCP mem.
    gauge node_sockstat_TCP_mem = |s| s.get("TCP_mem");
    /// Memory of TCP's buffers, in bytes. Source: /proc/net/sockstat TCP mem.
    gauge node_sockstat_TCP_mem_bytes = |s| s.bytes("TCP_mem");
    /// Sockets of UDP in use. Source: /proc/net/sockstat UDP inuse.
    gauge node_sockstat_UDP_inuse = |s| s.get("UDP_inuse");
    /// Memory of UDP's buffers, in pages. Source: /proc/net/sockstat UDP mem.
    gauge node_sockstat_UDP_mem = |s| s.get("UDP_mem");
    /// Memory of UDP's buffers, in bytes. Source: /proc/net/sockstat UDP mem.
    gauge node_sockstat_UDP_mem_bytes = |s| s.bytes("UDP_mem");
    /// Sockets of UDP-Lite in use. Source: /proc/net/sockstat UDPLITE inuse.
    gauge node_sockstat_UDPLITE_inuse = |s| s.get("UDPLITE_inuse");
    /// Raw sockets in use. Source: /proc/net/sockstat RAW inuse.
    gauge node_sockstat_RAW_inuse = |s| s.get("RAW_inuse");
    /// Packets that wait for the rest of them. Source: /proc/net/sockstat FRAG inuse.
    gauge node_sockstat_FRAG_inuse = |s| s.get("FRAG_inuse");
    /// Memory of packets that wait for the rest of them, in bytes. Source: /proc/net/sockstat FRAG memory.
    gauge node_sockstat_FRAG_memory = |s| s.get("FRAG_memory");
    /// Sockets of TCP over IPv6 in use. Source: /proc/net/sockstat6 TCP6 inuse.
    gauge node_sockstat_TCP6_inuse = |s| s.get("TCP6_inuse");
    /// Sockets of UDP over IPv6 in use. Source: /proc/net/sockstat6 UDP6 inuse.
    gauge node_sockstat_UDP6_inuse = |s| s.get("UDP6_inuse");
    /// Sockets of UDP-Lite over IPv6 in use. Source: /proc/net/sockstat6 UDPLITE6 inuse.
    gauge node_sockstat_UDPLITE6_inuse = |s| s.get("UDPLITE6_inuse");
    /// Raw sockets of IPv6 in use. Source: /proc/net/sockstat6 RAW6 inuse.
    gauge node_sockstat_RAW6_inuse = |s| s.get("RAW6_inuse");
    /// Packets of IPv6 that wait for the rest of them. Source: /proc/net/sockstat6 FRAG6 inuse.
    gauge node_sockstat_FRAG6_inuse = |s| s.get("FRAG6_inuse");
    /// Memory of packets of IPv6 that wait for the rest of them, in bytes. Source: /proc/net/sockstat6 FRAG6 memory.
    gauge node_sockstat_FRAG6_memory = |s| s.get("FRAG6_memory");
} }

metrics! { Queue {
    labels { cpu = |q| &q.cpu }
    /// Packets that the CPU has taken from network cards. Source: /proc/net/softnet_stat column 1.
    counter node_softnet_processed_total = |q| q.number(0);
    /// Packets that it dropped because its queue was full. Source: /proc/net/softnet_stat column 2.
    counter node_softnet_dropped_total = |q| q.number(1);
    /// Times that it ran out of time with packets left. Source: /proc/net/softnet_stat column 3.
    counter node_softnet_times_squeezed_total = |q| q.number(2);
} }

metrics! { Turns {
    labels { cpu = |t| &t.cpu }
    /// Time that threads ran on the CPU, in seconds. Source: /proc/schedstat.
    counter node_schedstat_running_seconds_total = |t| t.running;
    /// Time that threads waited for the CPU, in seconds. Source: /proc/schedstat.
    counter node_schedstat_waiting_seconds_total = |t| t.waiting;
    /// Times that a thread had the CPU. Source: /proc/schedstat.
    counter node_schedstat_timeslices_total = |t| t.times;
} }

metrics! { Guest {
    labels { cpu = |g| &g.cpu }
    /// Time that the CPU ran virtual machines, in seconds; it is in user and nice already. Source: /proc/stat cpu.
    counter node_cpu_guest_seconds_total {mode} = |g| g.modes.iter().copied();
} }

metrics! { Disk {
    labels { device = |d| &d.device }
    /// Requests that are under way now. Source: /proc/diskstats column 12.
    gauge node_disk_io_now = |d| d.number(8);
    /// Reads that were put together with another one. Source: /proc/diskstats column 5.
    counter node_disk_reads_merged_total = |d| d.number(1);
    /// Writes that were put together with another one. Source: /proc/diskstats column 9.
    counter node_disk_writes_merged_total = |d| d.number(5);
    /// Blocks given back to the disk: requests completed. Source: /proc/diskstats column 15.
    counter node_disk_discards_completed_total = |d| d.number(11);
    /// The same, put together with another one. Source: /proc/diskstats column 16.
    counter node_disk_discards_merged_total = |d| d.number(12);
    /// Sectors given back to the disk. Source: /proc/diskstats column 17.
    counter node_disk_discarded_sectors_total = |d| d.number(13);
    /// Time that giving back took, in seconds. Source: /proc/diskstats column 18.
    counter node_disk_discard_time_seconds_total = |d| d.seconds(14);
    /// Times that the disk was told to write what it holds. Source: /proc/diskstats column 19.
    counter node_disk_flush_requests_total = |d| d.number(15);
    /// Time that it took, in seconds. Source: /proc/diskstats column 20.
    counter node_disk_flush_requests_time_seconds_total = |d| d.seconds(16);
} }

metrics! { Interface {
    labels { device = |i| &i.0.device }
    /// Packets that the card's queue had no room for. Source: /proc/1/net/dev column 5.
    counter node_network_receive_fifo_total = |i| i.0.number(4);
    /// Packets out of step with the line. Source: /proc/1/net/dev column 6.
    counter node_network_receive_frame_total = |i| i.0.number(5);
    /// Compressed packets received. Source: /proc/1/net/dev column 7.
    counter node_network_receive_compressed_total = |i| i.0.number(6);
    /// Packets to many received. Source: /proc/1/net/dev column 8.
    counter node_network_receive_multicast_total = |i| i.0.number(7);
    /// Packets that the card's queue for sending had no room for. Source: /proc/1/net/dev column 13.
    counter node_network_transmit_fifo_total = |i| i.0.number(12);
    /// Collisions on the line. Source: /proc/1/net/dev column 14.
    counter node_network_transmit_colls_total = |i| i.0.number(13);
    /// Times that the line was lost while sending. Source: /proc/1/net/dev column 15.
    counter node_network_transmit_carrier_total = |i| i.0.number(14);
    /// Compressed packets sent. Source: /proc/1/net/dev column 16.
    counter node_network_transmit_compressed_total = |i| i.0.number(15);
} }

metrics! { Link {
    labels { device = |l| &l.device }
    /// Largest packet of the link, in bytes. Source: /sys/class/net mtu.
    gauge node_network_mtu_bytes = |l| l.mtu;
    /// Packets that may wait to be sent. Source: /sys/class/net tx_queue_len.
    gauge node_network_transmit_queue_length = |l| l.queue;
    /// Whether there is a line; absent while the link is switched off. Source: /sys/class/net carrier.
    gauge node_network_carrier = |l| l.carrier;
    /// Times that the line came or went. Source: /sys/class/net carrier_changes.
    counter node_network_carrier_changes_total = |l| l.changes;
} }

metrics! { Neighbours {
    labels { device = |n| &n.device }
    /// Addresses of neighbours that the link knows. Source: /proc/net/arp.
    gauge node_arp_entries = |n| n.entries;
} }
