//go:build race

package nomcore

// raced says that the race detector is on, which makes pools forget at random.
const raced = true
