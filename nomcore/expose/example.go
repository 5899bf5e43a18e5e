package expose

import (
	_ "embed"
	"strings"
)

//go:embed example.toml
var example string

// exampleName is the name that the example uses for itself.
const exampleName = "example.toml"

// Example returns a commented file that works as it stands, to be written under
// a name.
func Example(name string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	return strings.ReplaceAll(example, exampleName, quoted)
}
