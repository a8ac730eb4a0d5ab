package pattern

import (
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// Pruner is what a type has beyond Pattern that receives by taking turns. A pipe
// leaves the turns when it is found empty, which is when the application
// receives; one that does so rarely, or never, would keep the pipe of every peer
// that ever was. Called with both locks held.
type Pruner interface {
	// Prune takes e out of the turns if nothing of it can be received. If
	// something arrives after all, Readable brings it back.
	Prune(e *pipe.End)
}

func prune(in *routing.FairQueue, e *pipe.End) {
	if e.CanRead() != pipe.OK {
		in.Remove(e)
	}
}

func (f *fairIn) Prune(e *pipe.End) { prune(&f.in, e) }
func (p *pair) Prune(e *pipe.End)   { prune(&p.past, e) }

// Prune leaves e where it is while there are notices of it.
func (a *addressed) Prune(e *pipe.End) {
	if c := callerOf(e); c == nil || len(c.notices) == 0 {
		prune(&a.in, e)
	}
}
