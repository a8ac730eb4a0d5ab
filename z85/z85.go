// Package z85 writes octets as text that can stand in source code, in files and on
// command lines: five characters for every four octets. RFC 32, "Z85".
//
// It is shaped like encoding/hex, but not every input has a form: only a multiple
// of four octets can be written, and only a multiple of five characters, not none,
// can be read. It imports nothing of this module.
package z85

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	binarySize = 4 // octets of a group
	textSize   = 5 // characters of one
	base       = 85
)

// alphabet are the characters by their value. RFC 32 "Formal Specification".
const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

// alien is the value of what is not in the alphabet.
const alien = 0xff

// values are those of the characters.
var values = func() (table [256]byte) {
	for i := range table {
		table[i] = alien
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	return table
}()

// ErrLength is what an input is refused with that no groups can be made of: octets
// that are not a multiple of four, characters that are not a multiple of five, or
// none.
var ErrLength = errors.New("z85: the length is not that of whole groups")

// CorruptInputError is what text is refused with that Encode cannot have written. It
// is where: the offset of a character that is not in the alphabet, or of a group
// that stands for more than 2^32-1.
type CorruptInputError int64

func (e CorruptInputError) Error() string {
	return fmt.Sprintf("z85: illegal text at offset %d", int64(e))
}

// EncodedLen returns how many characters n octets make, n being a multiple of four.
func EncodedLen(n int) int { return n / binarySize * textSize }

// DecodedLen returns how many octets n characters make, n being a multiple of five.
func DecodedLen(n int) int { return n / textSize * binarySize }

// Encode writes src to dst as EncodedLen(len(src)) characters and returns how many
// those are. It returns ErrLength, and has written nothing, when len(src) is not a
// multiple of four. Like a copy to an index out of range it panics when dst is too
// short. The two must not overlap.
func Encode(dst, src []byte) (int, error) {
	if len(src)%binarySize != 0 {
		return 0, ErrLength
	}
	n := EncodedLen(len(src))
	for dst = dst[:n]; len(src) > 0; dst, src = dst[textSize:], src[binarySize:] {
		group := binary.BigEndian.Uint32(src)
		for i := textSize - 1; i >= 0; i-- {
			dst[i] = alphabet[group%base]
			group /= base
		}
	}
	return n, nil
}

// Decode writes what src stands for to dst, DecodedLen(len(src)) octets, and returns
// how many it has written. It returns ErrLength, and has written nothing, when
// len(src) is zero or not a multiple of five, and a [CorruptInputError] when src is
// not Z85. It panics when dst is too short.
func Decode(dst, src []byte) (int, error) {
	if len(src) == 0 || len(src)%textSize != 0 {
		return 0, ErrLength
	}
	dst = dst[:DecodedLen(len(src))]
	for at := 0; at < len(src); at += textSize {
		group := uint64(0)
		for i, c := range src[at : at+textSize] {
			v := values[c]
			if v == alien {
				return DecodedLen(at), CorruptInputError(at + i)
			}
			group = group*base + uint64(v)
		}
		if group > math.MaxUint32 {
			return DecodedLen(at), CorruptInputError(at)
		}
		binary.BigEndian.PutUint32(dst[DecodedLen(at):], uint32(group))
	}
	return len(dst), nil
}

// AppendEncode appends the characters of src to dst. Where Encode has an error it
// returns dst as it was.
func AppendEncode(dst, src []byte) ([]byte, error) {
	n := EncodedLen(len(src))
	dst = slices.Grow(dst, n)
	n, err := Encode(dst[len(dst):][:n], src)
	return dst[:len(dst)+n], err
}

// AppendDecode appends what src stands for to dst. Where Decode has an error it
// returns, behind dst, the groups before the one that is wrong.
func AppendDecode(dst, src []byte) ([]byte, error) {
	n := DecodedLen(len(src))
	dst = slices.Grow(dst, n)
	n, err := Decode(dst[len(dst):][:n], src)
	return dst[:len(dst)+n], err
}

// EncodeToString returns src as text, or ErrLength.
func EncodeToString(src []byte) (string, error) {
	text, err := AppendEncode(nil, src)
	return string(text), err
}

// DecodeString returns what s stands for. Where Decode has an error it returns the
// groups before the one that is wrong.
func DecodeString(s string) ([]byte, error) {
	return AppendDecode(nil, []byte(s))
}
