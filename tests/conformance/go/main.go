// Driver of the conformance suite for the vendor's Go client, github.com/IBM/keyprotect-go-client.
//
// It is told a URL, an identity URL and a CA (../README.md) and calls every method of the client
// through its own types. Methods come from reflection, so a new version with new ones fails until
// they are called here. The client's KMIP methods belong to another issue: sdk.json names them.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	kp "github.com/IBM/keyprotect-go-client"
)

// suite is what the cases share: one client per identity, and names no other run has used.
type suite struct {
	*report
	ctx    context.Context
	tag    string // in every name, alias and ring of this run
	serial int

	manager, second, writer, reader, purger, nobody *kp.Client // on KH_INSTANCE
	rules, rulesReader                              *kp.Client // on KH_INSTANCE_RULES
}

func main() {
	s := &suite{report: newReport(), ctx: context.Background(), tag: randomHex(4)}
	s.methods()
	instance, rules := os.Getenv("KH_INSTANCE"), os.Getenv("KH_INSTANCE_RULES")
	s.manager = s.client("KH_APIKEY", instance)
	s.second = s.client("KH_APIKEY_2", instance)
	s.writer = s.client("KH_APIKEY_WRITER", instance)
	s.reader = s.client("KH_APIKEY_READER", instance)
	s.purger = s.client("KH_APIKEY_PURGE", instance)
	s.nobody = s.client("KH_APIKEY_NOBODY", instance)
	s.rules = s.client("KH_APIKEY", rules)
	s.rulesReader = s.client("KH_APIKEY_READER", rules)

	finish := s.lifecycle() // starts the clocks that the last cases wait for
	s.identity()
	s.creation()
	s.imports()
	s.overrides()
	s.reading()
	s.lists()
	s.aliases()
	s.rings()
	s.wrapping()
	s.rotation()
	s.deletion()
	s.dualAuthorization()
	s.keyPolicies()
	s.instancePolicies()
	s.registrations()
	finish()
}

// transport is what a user of a private CA writes: the client's own default with other roots.
func transport() http.RoundTripper {
	pem, err := os.ReadFile(os.Getenv("KH_CA"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		fmt.Fprintln(os.Stderr, "KH_CA is not a PEM file:", err)
		os.Exit(1)
	}
	out := kp.DefaultTransport().(*http.Transport)
	out.TLSClientConfig = &tls.Config{RootCAs: roots}
	return out
}

func (s *suite) config(apiKey, instance string) kp.ClientConfig {
	return kp.ClientConfig{BaseURL: os.Getenv("KH_URL"), APIKey: apiKey, InstanceID: instance,
		TokenURL: os.Getenv("KH_IAM_URL") + "/oidc/token", Verbose: kp.VerboseNone, Timeout: 60}
}

func (s *suite) client(variable, instance string) *kp.Client {
	return s.open(s.config(os.Getenv(variable), instance))
}

func (s *suite) open(config kp.ClientConfig) *kp.Client {
	client, err := kp.New(config, s.requests)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return client
}

// --- material ---

func randomBytes(size int) []byte {
	out := make([]byte, size)
	if _, err := rand.Read(out); err != nil {
		panic(err)
	}
	return out
}

func randomHex(size int) string { return hex.EncodeToString(randomBytes(size)) }

func material(size int) string { return base64.StdEncoding.EncodeToString(randomBytes(size)) }

func (s *suite) name(what string) string {
	s.serial++
	return fmt.Sprintf("go-%s-%s-%d", s.tag, what, s.serial)
}

func (s *suite) root() *kp.Key {
	return must(s.manager.CreateRootKey(s.ctx, s.name("root"), nil))
}

func (s *suite) standard() *kp.Key {
	return must(s.manager.CreateStandardKey(s.ctx, s.name("standard"), nil))
}

func (s *suite) imported() *kp.Key {
	return must(s.manager.CreateImportedRootKey(s.ctx, s.name("imported"), nil, material(32), "", ""))
}

func (s *suite) remove(id string) {
	_, err := s.manager.DeleteKey(s.ctx, id, kp.ReturnMinimal)
	ok(err)
}

// seconds reads a waiting time of the environment.
func seconds(variable string) time.Duration {
	value, err := strconv.ParseFloat(os.Getenv(variable), 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, variable, "is not a number of seconds:", err)
		os.Exit(1)
	}
	return time.Duration(value * float64(time.Second))
}

func unknownID() string {
	id := randomHex(16)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", id[:8], id[8:12], id[13:16], id[17:20], id[20:])
}
