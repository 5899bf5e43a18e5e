package fsview

import "nomfs/codec"

// What the tree and commands that work without a mount have in common: how
// names are spelled and how values are written.

// MaxName is the longest file name in bytes; a longer one is not listed.
const MaxName = maxName

// EncodeAttr returns the file name of an attribute.
func EncodeAttr(attr string) string { return encodeName(attr, attrNames) }

// DecodeAttr returns the attribute that a file name stands for; false for a
// name that EncodeAttr does not produce.
func DecodeAttr(file string) (attr string, ok bool) { return decodeName(file, attrNames) }

// IsView tells whether a file name in an object's directory is no attribute but a
// name of the tree's own: a control entry such as call or .doc, or a view of an
// attribute such as number.json.
func IsView(file string) bool { return file != "" && isOurs(file) }

// EncodeKey returns the file name of a registered name, or of the text of a
// key.
func EncodeKey(name string) string { return encodeName(name, plainNames) }

// DecodeKey is the inverse of EncodeKey.
func DecodeKey(file string) (name string, ok bool) { return decodeName(file, plainNames) }

// Render returns the text of the file that holds v.
func Render(v codec.Value) []byte { return render(v) }

// ParseText turns text written to a file into a value of the type that cur
// has; nil where nothing is known of it. An error is EINVAL and says what was
// expected.
func ParseText(text []byte, cur codec.Value) (codec.Value, error) { return parseText(text, cur) }
