// Package wrap makes objects of Go values and funcs by reflection.
package wrap
