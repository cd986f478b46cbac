package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	kp "github.com/IBM/keyprotect-go-client"
)

// A case takes no longer than this, but for the unit's generation of an RSA key of 4096 bits, which
// takes seconds and on a busy machine many.
const (
	slowest        = 5 * time.Second
	slowestRSA     = 60 * time.Second
	generatesByRSA = "CreateImportToken"
)

// verdict is one line of the protocol in ../README.md.
type verdict struct {
	Call   string `json:"call"`
	Case   string `json:"case"`
	Kind   string `json:"kind"`
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
}

// What ends a case early: a difference, or something the server or the frame did not give.
type mismatch string
type absent string

// report writes the lines; everything else that writes to standard output goes to standard error,
// because the client prints there when it cannot read an error body.
type report struct {
	out      *json.Encoder
	requests *observed
}

func newReport() *report {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	os.Stdout = os.Stderr
	return &report{out: out, requests: &observed{inner: transport()}}
}

// observed counts the answers that make the client repeat a request, up to four times with growing
// waits: 429, 5xx and broken connections. A server must not give them to a client's mistake.
type observed struct {
	inner    http.RoundTripper
	repeated atomic.Int32
}

func (o *observed) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.inner.RoundTrip(request)
	if err != nil || response.StatusCode == 429 || (response.StatusCode >= 500 && response.StatusCode != 501) {
		o.repeated.Add(1)
	}
	return response, err
}

// methods prints the client's methods as reflection finds them, so that a new one is noticed.
func (r *report) methods() {
	names := []string{}
	client := reflect.TypeOf(&kp.Client{})
	for i := 0; i < client.NumMethod(); i++ {
		names = append(names, client.Method(i).Name)
	}
	r.write(map[string][]string{"methods": names})
}

func (r *report) write(line any) {
	if err := r.out.Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// success runs a case in which the call works and its answer is right.
func (r *report) success(call, name string, body func()) { r.run("success", call, name, body) }

// refusal runs a case in which the server refuses with `status` and, where the API sends reasons,
// `code`. An empty code means an error without reasons (401, header errors).
func (r *report) refusal(call, name string, status int, code string, body func() error) {
	r.run("refusal", call, name, func() { refused(body(), status, code) })
}

func (r *report) run(kind, call, name string, body func()) {
	line := verdict{Call: call, Case: name, Kind: kind, Result: "pass"}
	limit := slowest
	if call == generatesByRSA {
		limit = slowestRSA
	}
	r.requests.repeated.Store(0)
	started := time.Now()
	line.Result, line.Why = outcome(body)
	took, repeated := time.Since(started), r.requests.repeated.Load()
	if took > limit || repeated > 0 {
		line.Result = "fail"
		line.Why = strings.TrimSpace(fmt.Sprintf("%d answers that the client repeats; took %.1f s. %s",
			repeated, took.Seconds(), line.Why))
	}
	r.write(line)
}

func outcome(body func()) (result, why string) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case mismatch:
			result, why = "fail", string(problem)
		case absent:
			result, why = "skip", string(problem)
		default:
			result, why = "fail", fmt.Sprintf("the client panicked: %v", problem)
		}
	}()
	body()
	return "pass", ""
}

// --- what a case says ---

func fail(format string, arguments ...any) { panic(mismatch(fmt.Sprintf(format, arguments...))) }

func skip(why string) { panic(absent(why)) }

func ok(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func must[T any](value T, err error) T {
	ok(err)
	return value
}

func that(condition bool, format string, arguments ...any) {
	if !condition {
		fail(format, arguments...)
	}
}

func equal[T any](what string, got, want T) {
	that(reflect.DeepEqual(got, want), "%s: got %v, want %v", what, got, want)
}

// set gives what a pointer of an answer points to; the field must be there.
func set[T any](what string, value *T) T {
	that(value != nil, "%s is absent", what)
	return *value
}

func unset[T any](what string, value *T) { that(value == nil, "%s is present", what) }

func errOf(_ any, err error) error { return err }

func errOf3(_, _ any, err error) error { return err }

func refused(err error, status int, code string) {
	that(err != nil, "not refused; want %d %s", status, code)
	var refusal *kp.Error
	that(errors.As(err, &refusal), "not a kp.Error: %v", err)
	said := fmt.Sprintf("%d %s", refusal.StatusCode, refusal.Message)
	that(refusal.StatusCode == status, "want %d %s, got %s", status, code, said)
	that(refusal.CorrelationID != "", "no correlation id in %s", said)
	if code == "" {
		that(len(refusal.Reasons) == 0, "reasons where the API sends none: %s", said)
		return
	}
	that(len(refusal.Reasons) == 1, "want one reason %s, got %v in %s", code, refusal.Reasons, said)
	reason := refusal.Reasons[0]
	that(reason.Code == code, "want %s, got %s", code, said)
	that(reason.Status == status, "reason says status %d, the answer is %d", reason.Status, status)
	that(reason.Message != "" && reason.MoreInfo != "", "reason without message or link: %v", reason)
	that(strings.Contains(refusal.Message, "("+code+")"), "code not in errorMsg: %s", said)
}

// refusedHere is for what the client itself refuses before it asks the server.
func refusedHere(err error, words string) {
	that(err != nil, "not refused")
	that(strings.Contains(err.Error(), words), "want an error with %q, got %v", words, err)
}

func (r *report) refusalHere(call, name, words string, body func() error) {
	r.run("refusal", call, name, func() { refusedHere(body(), words) })
}

// refusedAs is for refusals whose status or code no source fixes: any of the statuses will do, and
// the code only if one is given.
func refusedAs(err error, statuses []int, code string) {
	var refusal *kp.Error
	that(errors.As(err, &refusal), "not a kp.Error: %v", err)
	for _, status := range statuses {
		if refusal.StatusCode == status {
			that(len(refusal.Reasons) == 1, "no reason in %s", refusal.Message)
			that(code == "" || refusal.Reasons[0].Code == code, "want %s, got %s", code, refusal.Message)
			return
		}
	}
	fail("want one of %v, got %d %s", statuses, refusal.StatusCode, refusal.Message)
}
