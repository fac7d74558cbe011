package settings

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var property = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// Each pair of colours that meets on a page has the contrast that WCAG 2.2
// asks for in criteria 1.4.3 (text) and 1.4.11 (edges of controls), in both
// schemes.
func TestContrast(t *testing.T) {
	css, err := staticFS.ReadFile("static/panel.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(css), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	for scheme, source := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range property.FindAllStringSubmatch(source, -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range []struct {
			front string
			backs string
			least float64
		}{
			{"ink", "paper card", 4.5},
			{"soft", "paper card", 4.5},
			{"accent", "paper card", 4.5},
			{"accent-ink", "accent", 4.5},
			{"card", "bad", 4.5},
			{"good", "good-wash paper card", 4.5},
			{"waiting", "waiting-wash paper card", 4.5},
			{"bad", "bad-wash paper card", 4.5},
			{"off", "off-wash paper card", 4.5},
			{"edge", "card paper", 3},
		} {
			for _, back := range strings.Fields(pair.backs) {
				if c := contrast(colour[pair.front], colour[back]); !(c >= pair.least) {
					t.Errorf("%s: %s on %s has contrast %.2f", scheme, pair.front, back, c)
				}
			}
		}
	}
}

// contrast is the ratio of WCAG 2.2's definition of that name; NaN for what is
// no colour.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(fmt.Sprintf("%.2s", hex[min(2*i, len(hex)):]), 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
