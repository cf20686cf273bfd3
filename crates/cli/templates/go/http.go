// @NAME@: a web server of its own beside a service. Look: curl 127.0.0.1:@PORT@
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"ostoja"
)

var visits atomic.Int64

func page(writer http.ResponseWriter, _ *http.Request) {
	greeting := "hello"
	ostoja.Config("greeting", &greeting)
	fmt.Fprintf(writer, "%s %d\n", greeting, visits.Add(1))
}

func main() {
	ostoja.OnReady(func(context.Context) error {
		listener, err := net.Listen("tcp", "127.0.0.1:@PORT@")
		if err != nil {
			return err
		}
		go http.Serve(listener, http.HandlerFunc(page))
		return nil
	})
	ostoja.Service("@NAME@", "visits", func(context.Context, *ostoja.Request) (any, error) { return visits.Load(), nil })
	ostoja.Run()
}
