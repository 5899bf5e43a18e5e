// Package object says what an object can do: each capability is a small
// interface of its own, and Object is the value that stands for one.
package object
