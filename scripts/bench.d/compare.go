package main

import (
	"fmt"
	"io"
)

// compare prints how each row of nomfs has changed, and returns how many became
// worse.
func compare(w io.Writer, before, after *Report) (worse int) {
	fmt.Fprintf(w, "old: %s\nnew: %s\n\n", before.head(), after.head())
	lines := [][]string{{"", "old", "new", "new ÷ old", ""}}
	for _, old := range before.Rows {
		line, verdict := compareRow(old, find(after, old.What))
		lines = append(lines, line)
		if verdict == "worse" || verdict == "fails now" {
			worse++
		}
	}
	for _, row := range after.Rows {
		if find(before, row.What) == nil {
			lines = append(lines, []string{label(row), "", text(row.cell(nomfsName)), "", "added"})
		}
	}
	writeAligned(w, lines)
	fmt.Fprintf(w, "\n%d worse\n", worse)
	return worse
}

// find returns the row of a measurement, nil if there is none.
func find(r *Report, w What) *Row {
	for _, row := range r.Rows {
		if row.What == w {
			return row
		}
	}
	return nil
}

func label(row *Row) string { return row.Group + ": " + row.String() }

// text is the value of a cell.
func text(c *Cell) string {
	switch {
	case c == nil:
		return ""
	case c.Error != "":
		return "failed"
	}
	return short(quantile(c.Values, .5))
}

// compareRow returns the line of a row and its verdict. now may be nil.
func compareRow(old, now *Row) (line []string, verdict string) {
	a := old.cell(nomfsName)
	if now == nil {
		return []string{label(old), text(a), "", "", "not measured"}, ""
	}
	b := now.cell(nomfsName)
	line = []string{label(old), text(a), text(b), "", ""}
	switch {
	case a == nil || b == nil:
	case a.Error != "" && b.Error != "":
		verdict = "still fails"
	case b.Error != "":
		verdict = "fails now"
	case a.Error != "":
		verdict = "works now"
	default:
		c := changeOf(relative(old, now), relative(now, old))
		line[3] = ratioText(Spread{c.Ratio, c.Low, c.High})
		verdict = c.verdict(old.More)
	}
	line[4] = verdict
	return line, verdict
}

// relative returns the values of nomfs in the rounds of a row, each divided by the
// geometric mean of what the other systems reached in that round, as far as the
// other file has these systems, too.
func relative(row, other *Row) []float64 {
	ours := row.cell(nomfsName).Values
	out := make([]float64, 0, len(ours))
	for round, v := range ours {
		var yardsticks []float64
		for _, c := range row.Cells {
			there := other.cell(c.System)
			if c.System != nomfsName && c.System != bestName && there != nil && there.Error == "" && round < len(c.Values) {
				yardsticks = append(yardsticks, c.Values[round])
			}
		}
		out = append(out, v/geomean(yardsticks))
	}
	return out
}
