//go:build !race

package nomcore

const raced = false
