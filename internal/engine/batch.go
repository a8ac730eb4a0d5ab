package engine

// atMost shortens a list of pieces to so many octets, at least one. The list is the
// caller's, but not the octets.
func atMost(list [][]byte, most int32) [][]byte {
	left := int(most)
	for i, piece := range list {
		if len(piece) >= left {
			list[i] = piece[:left]
			return list[:i+1]
		}
		left -= len(piece)
	}
	return list
}
