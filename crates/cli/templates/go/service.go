// @NAME@: a service. Call it: ostoja call @NAME@ hello '{"name": "Ada"}'
package main

import (
	"context"

	"ostoja"
)

func main() {
	ostoja.Service("@NAME@", "hello", func(_ context.Context, call *ostoja.Request) (any, error) {
		params := struct{ Name string }{"world"}
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		greeting := "hello"
		ostoja.Config("greeting", &greeting)
		return greeting + " " + params.Name, nil
	})
	ostoja.Run()
}
