// @NAME@: a worker. Give it work: ostoja publish @NAME@.jobs '{"text": "a b c"}'
package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"

	"ostoja"
)

var done atomic.Int64

func main() {
	ostoja.On("@NAME@.jobs", func(ctx context.Context, message *ostoja.Message) error {
		var job struct{ Text string }
		if err := json.Unmarshal(message.Payload, &job); err != nil {
			return err
		}
		words := len(strings.Fields(job.Text))
		ostoja.Publish(ctx, "@NAME@.done", map[string]any{"words": words, "number": done.Add(1)})
		return nil
	})
	ostoja.Service("@NAME@", "count", func(context.Context, *ostoja.Request) (any, error) { return done.Load(), nil })
	ostoja.Run()
}
