package zmq

import (
	"fmt"
	"log/slog"
	"time"

	"zeromux/internal/filemark"
)

// defaultReloadInterval is ReloadConfig's.
const defaultReloadInterval = time.Second

// ReloadConfig says how a policy follows its files. The zero value is the default.
type ReloadConfig struct {
	// Interval is how long what was read counts before a peer makes the policy look
	// at the files again. Zero is the default, 1 s; Never leaves it to Reload, and what
	// is below that is refused.
	Interval time.Duration
	// Logger gets a warning when files cannot be used, and a record when they can
	// again. Nil is the default: silence, but for Err.
	Logger *slog.Logger
}

// check refuses what is out of range.
func (c *ReloadConfig) check() error {
	if c != nil && c.Interval < Never {
		return fmt.Errorf("%w: ReloadConfig.Interval is %v, must be %v or more", ErrInvalid, c.Interval, Never)
	}
	return nil
}

// newFollower follows what is called so in the log.
func newFollower(what string, config *ReloadConfig) *filemark.Follower {
	var c ReloadConfig
	if config != nil {
		c = *config
	}
	standard(&c.Interval, defaultReloadInterval)
	return &filemark.Follower{
		Interval: c.Interval, Logger: c.Logger,
		Unfit: what + " cannot be used as it is, what was read before counts", Fit: what + " can be used again",
	}
}
