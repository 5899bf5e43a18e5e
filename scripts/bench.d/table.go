package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// print writes the table: for each group a line with the systems, then a line
// for each row.
func (r *Report) print(w io.Writer) {
	fmt.Fprintln(w, r.head())
	var failures []string
	for i := 0; i < len(r.Rows); {
		end := i
		for end < len(r.Rows) && r.Rows[end].Group == r.Rows[i].Group {
			end++
		}
		var lines [][]string
		lines, failures = groupLines(r.Rows[i:end], failures)
		fmt.Fprintln(w)
		writeAligned(w, lines)
		i = end
	}
	if len(failures) > 0 {
		fmt.Fprintln(w)
	}
	for i, why := range failures {
		fmt.Fprintf(w, "[%d] %s\n", i+1, why)
	}
}

// groupLines returns the cells of the lines of one group. The reasons of failures
// are added to those that have a number already.
func groupLines(rows []*Row, failures []string) ([][]string, []string) {
	header := []string{rows[0].Group, nomfsName}
	others := otherSystems(rows)
	for _, system := range others {
		header = append(header, "÷ "+system)
	}
	lines := [][]string{header}
	for _, row := range rows {
		line := []string{row.String()}
		for _, system := range append([]string{nomfsName}, others...) {
			c := row.cell(system)
			text := ""
			switch {
			case c == nil:
			case c.Error != "":
				var number int
				number, failures = numberOf(c.Error, failures)
				text = fmt.Sprintf("failed [%d]", number)
			case system == nomfsName:
				text = short(c.Median)
			case c.Ratio == nil:
				text = "-"
			default:
				text = ratioText(*c.Ratio)
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return lines, failures
}

// otherSystems returns the systems beside nomfs that some rows have.
func otherSystems(rows []*Row) []string {
	var others []string
	for _, system := range columns[1:] {
		if slices.ContainsFunc(rows, func(row *Row) bool { return row.cell(system) != nil }) {
			others = append(others, system)
		}
	}
	return others
}

// numberOf returns the number of a reason, counted from 1, and all reasons.
func numberOf(why string, reasons []string) (int, []string) {
	if i := slices.Index(reasons, why); i >= 0 {
		return i + 1, reasons
	}
	return len(reasons) + 1, append(reasons, why)
}

func ratioText(s Spread) string {
	return fmt.Sprintf("%s (%s-%s)", short(s.Median), short(s.Min), short(s.Max))
}

// short writes a number that is not negative in three digits, or with two behind
// the point, and k, M or G for a thousand, a million or a thousand millions.
func short(x float64) string {
	suffix := ""
	for _, s := range []string{"k", "M", "G"} {
		if x < 999.5 {
			break
		}
		x /= 1000
		suffix = s
	}
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f%s", x, suffix)
	case x >= 9.995:
		return fmt.Sprintf("%.1f%s", x, suffix)
	}
	return fmt.Sprintf("%.2f%s", x, suffix)
}

// writeAligned writes lines whose cells stand below each other: the first column
// to the left, the others to the right.
func writeAligned(w io.Writer, lines [][]string) {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
