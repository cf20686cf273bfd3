package main

import (
	"testing"

	"ostoja/ostojatest"
)

// Runs the module against a kernel that only plays one.
func TestItAnswers(t *testing.T) {
	kernel := ostojatest.Start(t, "go", "run", ".")
	kernel.Ready(nil)
	answer := kernel.Request("@NAME@", "@METHOD@", @PARAMS@)
	if answer["result"] != @RESULT@ {
		t.Fatalf("it answered %v", answer)
	}
	kernel.Stop()
}
