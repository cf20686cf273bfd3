package ostoja

import (
	"bufio"
	"bytes"
	"sync/atomic"
	"time"
)

// Waking another thread costs more than most handlers do. So a method that was quick the last time is served on the
// goroutine that read its call, and a watcher lets another goroutine read on when it turns out slow this time; from
// then on that method has a goroutine for each call. Nothing waits for a slow handler longer than two ticks.
const (
	quickMax  = 50 * time.Microsecond // a handler that takes longer gains nothing by it
	watchTick = time.Millisecond      // so long pings and other calls may wait for a handler that was quick before
	watchIdle = 16                    // ticks without a call after which the watcher sleeps until the next
)

// lineReader cuts the kernel's pipe into lines.
type lineReader struct{ *bufio.Reader }

// next gives a line of its own, without blanks at its ends; a line over the limit is left out. It is false at the end.
func (r lineReader) next() ([]byte, bool) {
	var held []byte
	for isLong := false; ; {
		piece, err := r.ReadSlice('\n')
		if isLong = isLong || len(held)+len(piece) > inboundBytesMax; isLong {
			held = nil
		} else {
			held = append(held, piece...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if line := bytes.TrimSpace(held); len(line) > 0 || err != nil {
			return line, err == nil || len(line) > 0
		}
		held, isLong = nil, false
	}
}

// work is a call that may begin.
type work struct {
	call   *Request
	method *offered
}

// offered is a method and how its calls went.
type offered struct {
	handler Handler
	isQuick atomic.Bool
	isSlow  atomic.Bool // Once and for all.
}

// run serves one call and remembers whether it was quick.
func (w work) run() {
	began := time.Now()
	serve(w.call, w.method.handler)
	w.method.isQuick.Store(time.Since(began) <= quickMax)
}

// turns tells the watcher what the reading goroutine does: odd while it serves a call.
var turns struct {
	count      atomic.Uint64
	isWatching atomic.Bool
	wake       chan struct{}
}

// readLines deals with one line after another until the kernel closes the pipe, or until the watcher has let another
// goroutine read on.
func readLines(lines lineReader) {
	for {
		line, isThere := lines.next()
		if !isThere {
			stop("eof")
			return
		}
		next := takeLine(line)
		if next == nil {
			continue
		}
		if next.method.isSlow.Load() || !next.method.isQuick.Load() {
			go next.run()
			continue
		}
		turn := turns.count.Add(1)
		if !turns.isWatching.Load() {
			select {
			case turns.wake <- struct{}{}:
			default: // It is on its way.
			}
		}
		next.run()
		if !turns.count.CompareAndSwap(turn, turn+1) {
			next.method.isSlow.Store(true)
			return
		}
	}
}

// watch lets another goroutine read on when the one that reads has been serving one call for a whole tick.
func watch(lines lineReader) {
	for range turns.wake {
		turns.isWatching.Store(true)
		seen := turns.count.Load()
		for idle := 0; idle < watchIdle; {
			time.Sleep(watchTick)
			now := turns.count.Load()
			if isServing := now%2 == 1; now != seen || isServing {
				idle = 0
			} else {
				idle++
			}
			if now == seen && now%2 == 1 && turns.count.CompareAndSwap(now, now+1) {
				go readLines(lines)
			}
			seen = turns.count.Load()
			if idle >= watchIdle {
				turns.isWatching.Store(false)
				// A call that began before this line may have counted on us.
				if turns.count.Load() != seen {
					turns.isWatching.Store(true)
					idle = 0
				}
			}
		}
	}
}
