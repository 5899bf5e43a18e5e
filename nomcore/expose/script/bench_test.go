package script

import (
	"testing"

	"nomfs/codec"
)

// BenchmarkSteps tells how long the default number of steps takes.
func BenchmarkSteps(b *testing.B) {
	s := load(b, "def f(n):\n    t = 0\n    for i in range(n):\n        t += i * 2\n    return t\n", Env{})
	for b.Loop() {
		if _, err := call(b, s, "f", codec.Int(100_000)); err != nil {
			b.Fatal(err)
		}
	}
}
