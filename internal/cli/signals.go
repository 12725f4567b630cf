package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// signalGap is how long after a signal further ones count as part of it. A terminal that
// is closed sends SIGHUP while the client sends SIGTERM, and wrappers such as npx forward
// the SIGINT of a Ctrl-C that the terminal sends to every process. The user asked only
// once, so these must not cut off calls in flight.
const signalGap = 500 * time.Millisecond

// notifySignals returns a context that is done at the first termination signal, after
// which calls in flight are finished, and a channel that is closed at the second, after
// which they are cut off and cleaned up. The third signal has its default effect: it ends
// the program immediately.
func notifySignals() (ctx context.Context, secondSignal <-chan struct{}) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	received := make(chan os.Signal, 1)
	signal.Notify(received, signals...)
	return countSignals(received, func() { signal.Reset(signals...) })
}

// countSignals implements notifySignals for the signals in received. It calls reset when
// the next signal should have its default effect.
func countSignals(received <-chan os.Signal, reset func()) (ctx context.Context, secondSignal <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan struct{})
	go func() {
		<-received
		cancel()
		discardSignals(received)
		<-received
		close(second)
		discardSignals(received)
		reset()
	}()
	return ctx, second
}

// discardSignals discards the signals received during signalGap.
func discardSignals(received <-chan os.Signal) {
	timeout := time.After(signalGap)
	for {
		select {
		case <-received:
		case <-timeout:
			return
		}
	}
}
