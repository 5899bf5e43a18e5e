package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"
)

// Report is what a run has measured: the content of a file.
type Report struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
	Rounds  int       `json:"rounds"`
	Seconds int       `json:"seconds"` // that the run took
	// Others is the part of the machine's processor time that other programs
	// took during the run: the more, the less the values mean.
	Others float64 `json:"others"`
	Rows   []*Row  `json:"rows"`
}

// head describes the run in one line.
func (r *Report) head() string {
	return fmt.Sprintf("%s, commit %s, rounds: %d, %s, other programs took %.0f %% of it",
		r.Date.Format(time.DateOnly), r.Commit, r.Rounds, r.Machine, 100*r.Others)
}

// Row is one measurement of all systems.
type Row struct {
	What
	Cells []*Cell `json:"cells"` // nomfs first
}

// What says what a row is about. It is the identity of the row.
type What struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	More  bool   `json:"more"` // greater values are better
}

func (w What) String() string { return w.Name + ", " + w.Unit }

// Cell is what a row has for one system.
type Cell struct {
	System string    `json:"system"`
	Error  string    `json:"error,omitempty"` // why it failed; there are no values then
	Values []float64 `json:"values,omitempty"`
	*Spread
	// Ratio is nomfs divided by this system.
	Ratio *Spread `json:"ratio,omitempty"`
}

// row returns the row of a measurement, a new one if there is none.
func (r *Report) row(w What) *Row {
	for _, row := range r.Rows {
		if row.What == w {
			return row
		}
	}
	row := &Row{What: w}
	r.Rows = append(r.Rows, row)
	return row
}

// cell returns the cell of a system, nil if there is none.
func (row *Row) cell(system string) *Cell {
	for _, c := range row.Cells {
		if c.System == system {
			return c
		}
	}
	return nil
}

// add enters the value of one round, or that it failed.
func (r *Report) add(w What, system string, value float64, err error) {
	row := r.row(w)
	c := row.cell(system)
	if c == nil {
		c = &Cell{System: system}
		row.Cells = append(row.Cells, c)
	}
	switch {
	case c.Error != "":
	case err == nil && !(value > 0 && value < math.Inf(1)):
		c.fail(fmt.Errorf("%w: %v", errNoValue, value))
	case err != nil:
		c.fail(err)
	default:
		c.Values = append(c.Values, value)
	}
}

func (c *Cell) fail(err error) {
	c.Error = err.Error()
	c.Values = nil
}

// errNoValue says that what came out cannot be divided.
var errNoValue = fmt.Errorf("nothing was measured")

// failed says whether a measurement need not be tried again.
func (r *Report) failed(w What, system string) bool {
	c := r.row(w).cell(system)
	return c != nil && c.Error != ""
}

// finish computes what follows from the values.
func (r *Report) finish() {
	for _, row := range r.Rows {
		// Rounds begin with another system each.
		slices.SortStableFunc(row.Cells, func(a, b *Cell) int { return columnOf(a.System) - columnOf(b.System) })
		ours := row.cell(nomfsName)
		for _, c := range row.Cells {
			if len(c.Values) == 0 {
				continue
			}
			s := spreadOf(c.Values)
			c.Spread = &s
			if c != ours && ours != nil && len(ours.Values) > 0 {
				ratio := spreadOf(ratios(ours.Values, c.Values))
				c.Ratio = &ratio
			}
		}
	}
}

// columns are the systems in the order of the table.
var columns = []string{
	nomfsName, tableName, pingName, netrpcName, grpcName,
	"cbor", "msgpack", "gob", "json", bestName, streamName, emptyName,
}

func columnOf(system string) int { return slices.Index(columns, system) }

// write writes the report to a file.
func (r *Report) write(file string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o666)
}

// readReport reads a file that write has written.
func readReport(file string) (*Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &Report{}
	if err := json.NewDecoder(f).Decode(r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(r.Rows) == 0 {
		return nil, fmt.Errorf("%s: %w", file, io.ErrUnexpectedEOF)
	}
	return r, nil
}
