// A service in Go, with the SDK: it gives the SHA-256 of a text, and of many as a stream.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"ostoja"
)

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func main() {
	ostoja.Service("hasher", "hash", func(ctx context.Context, call *ostoja.Request) (any, error) {
		var params struct{ Text *string }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		if params.Text == nil {
			return nil, ostoja.Failure("what is there to hash? Say it as `text`")
		}
		ostoja.LogWith(ostoja.LogLevelDebug, "hashing", map[string]int{"bytes": len(*params.Text)}, "")
		return hash(*params.Text), nil
	})

	// Each hash is sent as soon as it is known; what it returns comes last.
	ostoja.Service("hasher", "hash_all", func(ctx context.Context, call *ostoja.Request) (any, error) {
		var params struct{ Texts []string }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		for at, text := range params.Texts {
			call.Progress(float64(at+1)/float64(len(params.Texts)), "")
			if err := call.Emit(hash(text)); err != nil {
				return nil, err // Nobody waits any more.
			}
		}
		return len(params.Texts), nil
	})

	ostoja.Run()
}
