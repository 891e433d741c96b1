// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// One TURN client made of pion's library: sends datagrams of many sizes to a peer that echoes, one at a time, and
// compares what comes back; then it pauses, refreshes its permission and sends one more.
//
//	pion_client TRANSPORT SERVER PEER USER PASSWORD CA SIZE...
//
// TRANSPORT is udp, tcp, tls or dtls; CA is a file with the certificate that the last two trust. Prints "same N", the number
// of datagrams without the last one, and "indications N": pion binds a channel in the background, and sends Send
// indications until then. Ends with status 1 if anything is lost or changed.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/transport/stdnet"
	"github.com/pion/turn/v2"
)

const (
	patience = 2 * time.Second
	pause    = 3100 * time.Millisecond // longer than the test has nonces live
)

// pion resolves the server's address for IPv4 only.
type eitherFamily struct{ *stdnet.Net }

func (eitherFamily) ResolveUDPAddr(_, address string) (*net.UDPAddr, error) {
	return net.ResolveUDPAddr("udp", address)
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 8 {
		log.Fatal("usage: pion_client TRANSPORT SERVER PEER USER PASSWORD CA SIZE...")
	}
	var indications atomic.Int32
	same, err := run(&indications, os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6], os.Args[7:])
	if err != nil {
		log.Fatalf("after %d datagrams: %v", same, err)
	}
	fmt.Printf("same %d\nindications %d\n", same, indications.Load())
}

// counted counts the Send indications that a connection sends (RFC 8656, section 18).
type counted struct {
	net.PacketConn
	indications *atomic.Int32
}

func (c counted) WriteTo(message []byte, to net.Addr) (int, error) {
	if bytes.HasPrefix(message, []byte{0x00, 0x16}) {
		c.indications.Add(1)
	}
	return c.PacketConn.WriteTo(message, to)
}

func run(indications *atomic.Int32, transport, server, peer, user, password, ca string, sizes []string) (same int, err error) {
	conn, err := dial(transport, server, ca)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	network, err := stdnet.NewNet()
	if err != nil {
		return 0, err
	}
	client, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: server, Username: user, Password: password,
		Conn: counted{conn, indications}, Net: eitherFamily{network}})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if err = client.Listen(); err != nil {
		return 0, err
	}
	relay, err := client.Allocate()
	if err != nil {
		return 0, err
	}
	defer relay.Close()
	address, err := net.ResolveUDPAddr("udp", peer)
	if err != nil {
		return 0, err
	}
	for _, each := range sizes {
		size, err := strconv.Atoi(each)
		if err != nil {
			return same, err
		}
		if err = echo(relay, address, size); err != nil {
			return same, err
		}
		same++
	}
	time.Sleep(pause)
	if err = permit(client, address); err != nil {
		return same, err
	}
	return same, echo(relay, address, 100)
}

// permit refreshes the permission; the first answer is that the nonce is stale, and pion has remembered the new one.
func permit(client *turn.Client, address net.Addr) error {
	if err := client.CreatePermission(address); err == nil || err.Error() != "try again" {
		return err
	}
	return client.CreatePermission(address)
}

func dial(transport, server, ca string) (net.PacketConn, error) {
	switch transport {
	case "udp":
		return net.ListenPacket("udp", ":0")
	case "tcp":
		return framed(net.Dial("tcp", server))
	}
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(ca); err != nil {
		return nil, err
	} else if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	switch transport {
	case "tls":
		return framed(tls.Dial("tcp", server, &tls.Config{RootCAs: roots, ServerName: host}))
	case "dtls":
		address, err := net.ResolveUDPAddr("udp", server)
		if err != nil {
			return nil, err
		}
		conn, err := dtls.Dial("udp", address, &dtls.Config{RootCAs: roots, ServerName: host})
		return connected{conn}, err
	}
	return nil, errors.New("no such transport: " + transport)
}

// connected is a connection in which a message is a read or a write.
type connected struct{ net.Conn }

func (c connected) ReadFrom(buffer []byte) (int, net.Addr, error) {
	n, err := c.Read(buffer)
	return n, c.RemoteAddr(), err
}

func (c connected) WriteTo(message []byte, _ net.Addr) (int, error) {
	return c.Write(message)
}

// framed finds the messages in a stream.
func framed[C net.Conn](conn C, err error) (net.PacketConn, error) {
	if err != nil {
		return nil, err
	}
	return turn.NewSTUNConn(conn), nil
}

func echo(relay net.PacketConn, peer net.Addr, size int) error {
	sent, received := make([]byte, size), make([]byte, 1<<16)
	if _, err := rand.Read(sent); err != nil {
		return err
	}
	if _, err := relay.WriteTo(sent, peer); err != nil {
		return err
	}
	if err := relay.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	defer relay.SetReadDeadline(time.Time{}) // one that passes meanwhile would end the next read
	n, from, err := relay.ReadFrom(received)
	if err != nil {
		return err
	}
	if from.String() != peer.String() {
		return fmt.Errorf("%d bytes from %v", n, from)
	}
	if !bytes.Equal(received[:n], sent) {
		return fmt.Errorf("%d bytes came back as %d others", size, n)
	}
	return nil
}
