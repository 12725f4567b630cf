package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// loopbackAPI is a separate program: an API that immediately answers every request with
// a key.
func loopbackAPI() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-RateLimit-Limit", "100")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"success":true,"data":{"id":"11111111-1111-4111-8111-111111111111","name":"ci","key_prefix":"raff_01234567","is_active":true,"created_at":"2027-01-01T00:00:00Z","secret":"raff_0123456789abcdef"}}`)
	}))
}

// BenchmarkOverhead compares a tool call, from the line on stdin to the line on
// stdout of the program, with the bare HTTP request that it makes, both against
// the same server. It reports medians.
func BenchmarkOverhead(b *testing.B) {
	const body = `{"name":"ci"}`
	url := startServer(b, "loopback-api").Line()
	c := startServer(b, buildAs(b, "../.."), "RAFF_API_KEY=raff_9876543210", "RAFF_API_URL="+url)
	c.initialize()

	var direct, through []time.Duration
	for n := 2; b.Loop(); n++ {
		if n%90 == 0 {
			time.Sleep(1100 * time.Millisecond) // so that no call waits for the rate limit
		}
		start := time.Now()
		res, err := http.Post(url+"/api/v1/api-keys", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		direct = append(direct, time.Since(start))

		start = time.Now()
		line := c.Ask(mcptest.Call(fmt.Sprint(n), "create_api_key", body))
		through = append(through, time.Since(start))
		if !strings.Contains(line, "raff_0123456789abcdef") {
			b.Fatalf("got %s", line)
		}
	}
	b.ReportMetric(micros(median(direct)), "direct-µs")
	b.ReportMetric(micros(median(through)), "call-µs")
	b.ReportMetric(micros(median(through)-median(direct)), "overhead-µs")
}

// BenchmarkStart compares the time from the start of the process to the response to
// initialize, and the peak memory, with those of the smallest possible server of
// mcp-go, side by side. It reports the median of the ratios.
func BenchmarkStart(b *testing.B) {
	compareStart(b, func(p *process) { p.initialize() })
}

// BenchmarkList does the same up to the response to tools/list, with all tools and
// with one toolset.
func BenchmarkList(b *testing.B) {
	list := func(p *process) {
		p.initialize()
		p.Send(mcptest.Initialized)
		p.Ask(`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`)
	}
	b.Run("all", func(b *testing.B) { compareStart(b, list) })
	b.Run("one toolset", func(b *testing.B) { compareStart(b, list, "RAFF_MCP_TOOLSETS=projects") })
}

// limitedAPI is a separate program: the sandbox behind its rate limit. It prints its URL and
// the key of the owner. GET /refused returns how many requests it refused.
func limitedAPI() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	api := sandbox.New()
	fmt.Println("http://" + l.Addr().String())
	fmt.Println(api.OwnerKey().Reveal())
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			fmt.Fprint(w, api.RateLimited())
			return
		}
		api.ServeHTTP(w, r)
	}))
}

// BenchmarkTwoServers lets two servers with the same key make 300 calls, with one home
// directory, through which they share the rate limit, and with two. It reports how many
// requests were refused. Each run begins with all of the burst budget.
func BenchmarkTwoServers(b *testing.B) {
	program := buildAs(b, "../..")
	for name, homes := range map[string][]string{"shared": slices.Repeat([]string{b.TempDir()}, 2), "alone": {b.TempDir(), b.TempDir()}} {
		b.Run(name, func(b *testing.B) {
			refused, runs := 0, 0
			for b.Loop() {
				api := startServer(b, "limited-api")
				url, key := api.Line(), api.Line()
				var wg sync.WaitGroup
				for _, home := range homes {
					wg.Go(func() { listOften(b, program, 150, "RAFF_API_KEY="+key, "RAFF_API_URL="+url, "HOME="+home) })
				}
				wg.Wait()
				res, err := http.Get(url + "/refused")
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				if _, err := fmt.Fscan(res.Body, &n); err != nil {
					b.Fatal(err)
				}
				res.Body.Close()
				refused, runs = refused+n, runs+1
			}
			b.ReportMetric(float64(refused)/float64(runs), "429s/300")
		})
	}
}

// listOften sends n calls to a server at once and waits for the responses.
func listOften(b *testing.B, program string, n int, env ...string) {
	c := startServer(b, program, env...)
	c.initialize()
	for i := range n {
		c.Send(mcptest.Call(fmt.Sprint(i+2), "list_projects", "{}"))
	}
	for range n {
		if line := c.Line(); !strings.Contains(line, "structuredContent") {
			b.Errorf("got %s", line)
		}
	}
	c.End()
}

// compareStart runs the program and the smallest server in turn, each up to the end of
// talk.
func compareStart(b *testing.B, talk func(*process), env ...string) {
	ours, smallest := buildAs(b, "../.."), buildAs(b, "./testdata/smallest")
	env = append(env, "RAFF_API_KEY=raff_0123456789")
	var times, memories, ms []float64
	for b.Loop() {
		t1, m1 := startOnce(b, smallest, talk, env)
		t2, m2 := startOnce(b, ours, talk, env)
		times = append(times, float64(t2)/float64(t1))
		memories = append(memories, m2/m1)
		ms = append(ms, micros(t2)/1000)
	}
	b.ReportMetric(median(ms), "ms")
	b.ReportMetric(median(times), "time-ratio")
	b.ReportMetric(median(memories), "memory-ratio")
}

func startOnce(b *testing.B, program string, talk func(*process), env []string) (took time.Duration, peak float64) {
	start := time.Now()
	p := startServer(b, program, env...)
	talk(p)
	took = time.Since(start)
	peak = p.peakMemory(b)
	p.End()
	return took, peak
}

// peakMemory returns the peak resident memory of the process in KiB. (The value for a
// finished process would include the memory of its parent at the fork.)
func (p *process) peakMemory(b *testing.B) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib
}

// A process is a running server.
type process struct {
	*mcptest.Client
	cmd *exec.Cmd
}

// buildAs builds a program as a user would and returns its path.
func buildAs(b *testing.B, pkg string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return path
}

func startServer(b *testing.B, program string, env ...string) *process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program)
	cmd.Env = append([]string{"HOME=" + b.TempDir()}, env...)
	return &process{mcptest.Start(b, cmd), cmd}
}

func (p *process) initialize() {
	p.Ask(mcptest.Initialize("1", "2025-11-25", "bench", "{}"))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func median[T float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
