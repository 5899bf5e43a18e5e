package auth

import (
	"context"
	"errors"
	"testing"
)

func TestDefault(t *testing.T) {
	ctx := context.Background()
	if err := Default.Admit(ctx, Identity{}); err != nil {
		t.Errorf("Admit = %v, want everyone admitted", err)
	}
	tests := []struct {
		req  Request
		deny bool
	}{
		{Request{Right: RightRead, Op: "GetAttr", Attr: "x"}, false},
		{Request{Right: RightRead, Op: "GetAttr", Attr: ""}, false},
		{Request{Right: RightRead, Op: "GetAttr", Attr: "x_"}, false},
		{Request{Right: RightRead, Op: "GetAttr", Attr: "_x"}, true},
		{Request{Right: RightWrite, Op: "SetAttr", Attr: "_x"}, true},
		{Request{Right: RightDelete, Op: "DelAttr", Attr: "__class__"}, true},
		{Request{Right: RightRead, Op: "RESOLVE", Name: "_x"}, false},
		{Request{Right: RightList, Op: "LIST"}, false},
		{Request{Right: RightCall, Op: "Call"}, false},
		{Request{Op: "Mystery"}, true},
	}
	for _, tt := range tests {
		err := Default.Allow(ctx, Identity{}, tt.req)
		if got := errors.Is(err, ErrDenied); got != tt.deny || (err != nil) != tt.deny {
			t.Errorf("Allow(%+v) = %v, want denied %v", tt.req, err, tt.deny)
		}
	}
}

func TestRightNames(t *testing.T) {
	seen := map[string]bool{}
	for r := RightNone; r <= RightCall; r++ {
		if s := r.String(); seen[s] {
			t.Errorf("right %d has the name %q of another", r, s)
		} else {
			seen[s] = true
		}
	}
	if s := Right(200).String(); s != "none" {
		t.Errorf("unknown right prints %q, want none: it grants nothing", s)
	}
}
