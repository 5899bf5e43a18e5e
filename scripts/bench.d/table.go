package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// print writes the table: for each group a line with the systems, then a line
// for each row.
func (r *Report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, commit %s, %d rounds, load before %.2f\n%s\n",
		r.Date.Format("2006-01-02"), r.Commit, r.Rounds, r.Load, r.Machine)
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
	var others []string
	for _, system := range columns[1:] {
		for _, row := range rows {
			if row.cell(system) != nil {
				others = append(others, system)
				break
			}
		}
	}
	header := []string{rows[0].Group, nomfsName}
	for _, system := range others {
		header = append(header, "÷ "+system)
	}
	lines := [][]string{header}
	number := func(c *Cell) string {
		for i, why := range failures {
			if why == c.Error {
				return fmt.Sprintf("failed [%d]", i+1)
			}
		}
		failures = append(failures, c.Error)
		return fmt.Sprintf("failed [%d]", len(failures))
	}
	for _, row := range rows {
		line := []string{row.String(), ""}
		if c := row.cell(nomfsName); c != nil && c.Error != "" {
			line[1] = number(c)
		} else if c != nil {
			line[1] = short(c.Median)
		}
		for _, system := range others {
			c := row.cell(system)
			switch {
			case c == nil:
				line = append(line, "")
			case c.Error != "":
				line = append(line, number(c))
			case c.Ratio == nil:
				line = append(line, "-")
			default:
				line = append(line, ratioText(*c.Ratio))
			}
		}
		lines = append(lines, line)
	}
	return lines, failures
}

func ratioText(s spread) string {
	return fmt.Sprintf("%s (%s-%s)", ratioNumber(s.Median), ratioNumber(s.Min), ratioNumber(s.Max))
}

// ratioNumber writes a ratio in three digits, or two behind the point.
func ratioNumber(x float64) string {
	if x >= 10 {
		return short(x)
	}
	return fmt.Sprintf("%.2f", x)
}

// short writes a number in three digits, with k, M or G for a thousand, a million
// or a thousand millions.
func short(x float64) string {
	const digits = 3
	suffix := ""
	for _, s := range []string{"k", "M", "G"} {
		if math.Abs(x) < 999.5 {
			break
		}
		x /= 1000
		suffix = s
	}
	whole := 1
	for limit := 9.995; math.Abs(x) >= limit && whole < digits; limit *= 10.0045 {
		whole++
	}
	return fmt.Sprintf("%.*f%s", digits-whole, x, suffix)
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
