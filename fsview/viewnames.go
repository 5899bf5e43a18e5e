package fsview

import "strings"

// The names that the tree itself has, beside those of the peer, are one table:
// viewTable. Lookups, listings, renames, deletions, the spelling of attributes, the
// test for a tool's own file and the README all go by it. What makes the file of
// each name is in viewMakers, in the same order.

// A viewScope is a kind of directory in which the tree has names of its own.
type viewScope uint8

const (
	inObject viewScope = iota // an object's directory, beside its attributes
	ofAttr                    // the same, after the name of an attribute and a dot
	inPeer                    // a peer's directory, beside the registered names
	inTop                     // the root of the mount
	inNom                     // .nom
	numScopes
)

// A need is what an object must be able to do for a name to be in its directory, and
// a set of them what it can do.
type need uint8

const (
	needCall  need = 1 << iota // the object can be called
	needLen                    // it has a length
	needItems                  // it has items
)

// The permissions of what is in the tree.
const (
	rootMode   = 0o555
	dirMode    = 0o755
	fileMode   = 0o644
	readMode   = 0o444
	listenMode = 0o600 // reading it assigns
	ctlMode    = 0o200 // commands are written, there is nothing to read
	execMode   = 0o555
	linkMode   = 0o777
)

// A viewName is one name of the tree's own.
type viewName struct {
	in     viewScope
	name   string // of ofAttr without the dot before it
	dir    bool   // it is a directory, not a file
	perm   uint32 // permissions
	listed bool   // it is in listings, where it is at all; lookups find it always
	needs  need   // what the object must be able to do, of inObject
	// container says that only the attribute that is a list, tuple, set or dict
	// has it.
	container bool
	// creates says that an attribute that is not there yet has it, since opening it
	// makes the attribute.
	creates bool
	help    string // for the README
}

// A view is the index of a name in viewTable.
type view int

const (
	viewCall view = iota
	viewLen
	viewIndex
	viewRepr
	viewStr
	viewBin
	viewCalls
	viewDir
	viewDoc
	viewObjectJSON
	viewOID
	viewSig
	viewType

	viewAttrErr
	viewAttrItems
	viewAttrJSON
	viewAttrLines
	viewAttrListen
	viewAttrRepr
	viewAttrType
	viewAttrWatch

	viewPeerBin
	viewLocal
	viewNom

	viewNomREADME
	viewNomCtl
	viewNomError
	viewNomLog
	viewNomObj
	viewNomStatus
	numViews
)

var viewTable = [numViews]viewName{
	viewCall:       {in: inObject, name: "call", perm: fileMode, listed: true, needs: needCall, help: "a line calls it; reading gives the result"},
	viewLen:        {in: inObject, name: "len", perm: readMode, listed: true, needs: needLen, help: "its length"},
	viewIndex:      {in: inObject, name: "index", dir: true, perm: dirMode, listed: true, needs: needItems, help: "its items, by key"},
	viewRepr:       {in: inObject, name: "repr", perm: readMode, help: "what Python's repr says"},
	viewStr:        {in: inObject, name: "str", perm: readMode, help: "what Python's str says"},
	viewBin:        {in: inObject, name: ".bin", dir: true, perm: rootMode, help: "its methods as commands"},
	viewCalls:      {in: inObject, name: ".calls", perm: readMode, help: "of an object of this mount: its calls as they come"},
	viewDir:        {in: inObject, name: ".dir", perm: readMode, help: "the names of its attributes, one a line"},
	viewDoc:        {in: inObject, name: ".doc", perm: readMode, help: "its documentation"},
	viewObjectJSON: {in: inObject, name: ".json", perm: readMode, help: "all of it as JSON"},
	viewOID:        {in: inObject, name: ".oid", perm: readMode, help: "its id below .nom/obj"},
	viewSig:        {in: inObject, name: ".sig", perm: readMode, help: "how it is called"},
	viewType:       {in: inObject, name: ".type", perm: readMode, help: "its class"},

	viewAttrErr:    {in: ofAttr, name: "err", perm: readMode, help: "the last error of the attribute or method"},
	viewAttrItems:  {in: ofAttr, name: "items", dir: true, perm: rootMode, container: true, help: "of a list, tuple, set or dict: its items as files"},
	viewAttrJSON:   {in: ofAttr, name: "json", perm: fileMode, help: "JSON, to read and to write"},
	viewAttrLines:  {in: ofAttr, name: "lines", perm: readMode, container: true, help: "of a list, tuple, set or dict: one item a line"},
	viewAttrListen: {in: ofAttr, name: "listen", perm: listenMode, creates: true, help: "be what the attribute calls: a line for each call"},
	viewAttrRepr:   {in: ofAttr, name: "repr", perm: fileMode, help: "the exact literal, to read and to write"},
	viewAttrType:   {in: ofAttr, name: "type", perm: readMode, help: "the type of its value"},
	viewAttrWatch:  {in: ofAttr, name: "watch", perm: readMode, help: "its value, and each change as it comes"},

	viewPeerBin: {in: inPeer, name: ".bin", dir: true, perm: rootMode, help: "the registered objects that can be called, as commands"},
	viewLocal:   {in: inTop, name: ".local", dir: true, perm: rootMode, listed: true, help: "the objects of this mount itself"},
	viewNom:     {in: inTop, name: ".nom", dir: true, perm: rootMode, listed: true, help: "what tells of the mount"},

	viewNomREADME: {in: inNom, name: "README", perm: readMode, listed: true, help: "this text"},
	viewNomCtl:    {in: inNom, name: "ctl", perm: ctlMode, help: "takes commands: refresh, reconnect [PEER], timeout SECONDS, drop PEER"},
	viewNomError:  {in: inNom, name: "error", perm: readMode, listed: true, help: "the last error of your login session"},
	viewNomLog:    {in: inNom, name: "log", perm: readMode, listed: true, help: "all that fails, as it comes (tail -f)"},
	viewNomObj:    {in: inNom, name: "obj", dir: true, perm: rootMode, listed: true, help: "objects by id, as links and results name them"},
	viewNomStatus: {in: inNom, name: "status", perm: readMode, listed: true, help: "the connection"},
}

// viewIndexes finds a view by its scope and name.
var viewIndexes = indexViews()

func indexViews() (indexes [numScopes]map[string]view) {
	for v := range numViews {
		row := &viewTable[v]
		if indexes[row.in] == nil {
			indexes[row.in] = make(map[string]view)
		}
		indexes[row.in][row.name] = v
	}
	return indexes
}

// viewIn returns the view of a name in a scope.
func viewIn(in viewScope, name string) (v view, ok bool) {
	v, ok = viewIndexes[in][name]
	return v, ok
}

// name is the name of a view.
func (v view) name() string { return viewTable[v].name }

// perm are the permissions of a view.
func (v view) perm() uint32 { return viewTable[v].perm }

// isWord tells whether a name is one of those in an object's directory that look
// like an attribute. An attribute of that name is spelled with a trailing %.
func isWord(name string) bool {
	_, ok := viewIn(inObject, name)
	return ok && name[0] != '.'
}

// objectView returns the view that a file name in an object's directory means. Of a
// view of an attribute attr is the attribute. Whether the object, or the attribute,
// has such a view is another question.
func objectView(file string) (v view, attr string, ok bool) {
	if v, ok = viewIn(inObject, file); ok {
		return v, "", true
	}
	base, suffix := splitView(file)
	if v, ok = viewIn(ofAttr, suffix); !ok {
		return 0, "", false
	}
	attr, ok = decodeName(base, attrNames)
	return v, attr, ok
}

// isOurs tells whether a file name in an object's directory belongs to the tree. A
// view of what only tools make does not.
func isOurs(file string) bool {
	v, attr, ok := objectView(file)
	return ok && (viewTable[v].in == inObject || !isScratch(encodeName(attr, attrNames)))
}

// viewHelp lists the names of a scope for the README, with what is before each of
// them.
func viewHelp(in viewScope, before string) string {
	const column = 24 // where the explanations begin
	var b strings.Builder
	for v := range numViews {
		row := &viewTable[v]
		if row.in != in {
			continue
		}
		name := before + row.name
		if row.dir {
			name += "/"
		}
		b.WriteString("  " + name + strings.Repeat(" ", max(column-len(name), 1)) + row.help + "\n")
	}
	return b.String()
}
