package main

import (
	"errors"
	"testing"
)

func TestWhatAServerBecomesWhenItHearsOfItsPeer(t *testing.T) {
	for _, c := range []struct {
		is, peer, want state
		err            error
	}{
		{asPrimary, asPrimary, asPrimary, nil},
		{asPrimary, asBackup, active, nil},
		{asPrimary, active, passive, nil},
		{asPrimary, passive, asPrimary, nil},
		{asBackup, asPrimary, asBackup, nil},
		{asBackup, asBackup, asBackup, nil},
		{asBackup, active, passive, nil},
		{asBackup, passive, asBackup, nil},
		{active, asPrimary, active, nil},
		{active, asBackup, active, nil},
		{active, active, active, errBothActive},
		{active, passive, active, nil},
		{passive, asPrimary, active, nil},
		{passive, asBackup, active, nil},
		{passive, active, passive, nil},
		{passive, passive, passive, errBothPassive},
	} {
		if got, err := c.is.heard(c.peer); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s that hears %s is %s, %v, want %s, %v", c.is, c.peer, got, err, c.want, c.err)
		}
	}
}

func TestWhomAServerServes(t *testing.T) {
	for _, c := range []struct {
		is     state
		silent bool
		want   state
		serve  bool
	}{
		{asPrimary, false, asPrimary, false},
		{asPrimary, true, active, true},
		{asBackup, false, asBackup, false},
		{asBackup, true, asBackup, false},
		{active, false, active, true},
		{active, true, active, true},
		{passive, false, passive, false},
		{passive, true, active, true},
	} {
		if got, serve := c.is.asked(c.silent); got != c.want || serve != c.serve {
			t.Errorf("%s with a peer that is silent (%v) is %s and serves (%v), want %s (%v)", c.is, c.silent, got, serve, c.want, c.serve)
		}
	}
}
