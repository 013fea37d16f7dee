// gVisor's TCP. In-process: two stacks joined by a pipe of its own, one connection at full speed; over a TUN device
// that tern-bench has opened: one of its ends. What tern-bench starts, and how it talks: bench/peer.h.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	version = "0.0~20221219, Go"
	buffer  = 64 << 10
	round   = 32 << 20
	port    = 80
)

func fail(why string, err any) {
	fmt.Printf("cannot %s: %v\n", why, err)
	os.Exit(1)
}

// CPU time of all threads, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail("read the clock", err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func newStack(link stack.LinkEndpoint, address net.IP) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	if err := s.CreateNIC(1, link); err != nil {
		fail("make an interface", err)
	}
	own := tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.Address(address.To4()).WithPrefix(),
	}
	if err := s.AddProtocolAddress(1, own, stack.AddressProperties{}); err != nil {
		fail("have an address", err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	// Without these its buffers stay at 1 MiB and below; with them they may grow as Linux's do.
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	sack := tcpip.TCPSACKEnabled(true)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate)
	s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack)
	return s
}

// Counts what it carries.
type counted struct {
	*pipe.Endpoint
	frames *uint64
}

func (c *counted) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	atomic.AddUint64(c.frames, uint64(packets.Len()))
	return c.Endpoint.WritePackets(packets)
}

func full(address net.IP, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: 1, Addr: tcpip.Address(address.To4()), Port: port}
}

// Two stacks and a connection between them.
func pair() (client, server net.Conn, sent, answered *uint64) {
	near, far := pipe.New("\x02\x03\x03\x04\x05\x06", "\x02\x03\x03\x04\x05\x07", 1500)
	sent, answered = new(uint64), new(uint64)
	clients := newStack(&counted{near, sent}, net.IPv4(10, 0, 0, 1))
	servers := newStack(&counted{far, answered}, net.IPv4(10, 0, 0, 2))
	to := full(net.IPv4(10, 0, 0, 2), port)
	listener, err := gonet.ListenTCP(servers, to, ipv4.ProtocolNumber)
	if err != nil {
		fail("listen", err)
	}
	if client, err = gonet.DialTCP(clients, to, ipv4.ProtocolNumber); err != nil {
		fail("connect", err)
	}
	if server, err = listener.Accept(); err != nil {
		fail("accept", err)
	}
	return client, server, sent, answered
}

// Sends without end.
func pour(c net.Conn) {
	text := make([]byte, buffer)
	for {
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}

// Reads so many bytes.
func drain(c net.Conn, to []byte, bytes int) {
	for bytes > 0 {
		n, err := c.Read(to)
		if err != nil {
			fail("receive", err)
		}
		bytes -= n
	}
}

func bulk() func() (float64, float64) {
	client, server, sent, answered := pair()
	to := make([]byte, buffer)
	asked, done := make(chan int), make(chan bool)
	go func() {
		text := make([]byte, buffer)
		for n := range asked {
			for ; n > 0; n -= buffer {
				if _, err := client.Write(text); err != nil {
					fail("send", err)
				}
			}
			done <- true
		}
	}()
	move := func(n int) {
		asked <- n
		drain(server, to, n)
		<-done
	}
	move(round / 4)
	return func() (float64, float64) {
		segments, acks, start := atomic.LoadUint64(sent), atomic.LoadUint64(answered), cpu()
		move(round)
		spent := cpu() - start
		s, a := atomic.LoadUint64(sent)-segments, atomic.LoadUint64(answered)-acks
		return round * 8 / spent / 1e9, float64(s+a) / float64(s)
	}
}

// One way over the device whose descriptor and MTU tern-bench says: as its own row, by the wall clock.
func device(way, fd, mtu, ours, peers, service string) func() (float64, float64) {
	number, _ := strconv.Atoi(fd)
	octets, _ := strconv.Atoi(mtu)
	far, _ := strconv.Atoi(service)
	if err := syscall.SetNonblock(number, true); err != nil {
		fail("take the device", err)
	}
	link, err := fdbased.New(&fdbased.Options{FDs: []int{number}, MTU: uint32(octets)})
	if err != nil {
		fail("take the device", err)
	}
	s := newStack(link, net.ParseIP(ours))
	c, err := gonet.DialTCP(s, full(net.ParseIP(peers), uint16(far)), ipv4.ProtocolNumber)
	if err != nil {
		fail("connect", err)
	}
	var moved uint64
	go func() {
		block := make([]byte, 4*buffer)
		for {
			var n int
			var err error
			if way == "to" {
				n, err = c.Write(block)
			} else {
				n, err = c.Read(block)
			}
			if err != nil {
				return
			}
			atomic.AddUint64(&moved, uint64(n))
		}
	}()
	time.Sleep(200 * time.Millisecond)
	return func() (float64, float64) {
		had, start := atomic.LoadUint64(&moved), time.Now()
		time.Sleep(time.Second)
		return float64(atomic.LoadUint64(&moved)-had) * 8 / time.Since(start).Seconds() / 1e9, 0
	}
}

func main() {
	var measure func() (float64, float64)
	argument := os.Args[1:]
	switch {
	case len(argument) == 1 && argument[0] == "bulk":
		measure = bulk()
	case len(argument) == 7 && argument[0] == "device":
		measure = device(argument[1], argument[2], argument[3], argument[4], argument[5], argument[6])
	default:
		fail("measure", "no such workload")
	}
	fmt.Println("ready", version)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		figure, frames := measure()
		fmt.Printf("%.9g %.4g\n", figure, frames)
	}
}
