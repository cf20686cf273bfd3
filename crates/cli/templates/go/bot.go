// @NAME@: a bot. It answers what is said on `chat.message`, and whoever calls it.
package main

import (
	"context"
	"encoding/json"
	"strings"

	"ostoja"
)

// reply is what it says to a text: the place for rules, or for a model.
func reply(text string) string {
	if strings.Contains(text, "?") {
		return "that is a good question"
	}
	greeting := "hello"
	ostoja.Config("greeting", &greeting)
	return greeting + ", you said: " + text
}

func main() {
	ostoja.On("chat.message", func(ctx context.Context, message *ostoja.Message) error {
		said := struct{ Text, From string }{}
		if err := json.Unmarshal(message.Payload, &said); err != nil {
			return err
		}
		return ostoja.Publish(ctx, "chat.reply", map[string]any{"to": said.From, "text": reply(said.Text)})
	})
	ostoja.Service("@NAME@", "answer", func(_ context.Context, call *ostoja.Request) (any, error) {
		params := struct{ Text string }{}
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		return reply(params.Text), nil
	})
	ostoja.Run()
}
