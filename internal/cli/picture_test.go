package cli

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A picture draws a chat as SVG: it is text, needs no font of its own, and has the colors of
// the reader's theme.
type picture struct {
	title string
	body  strings.Builder
	y     int // below what was drawn
}

// A span is text with a class of the style.
type span struct{ text, class string }

// Sizes in pixels.
const (
	pictureWidth = 830
	margin       = 26
	indent       = 20
	lineHeight   = 20
	charWidth    = 8 // of the font of 13 pixels
)

const pictureStyle = `
text{font:13px ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328}
.bold,.tool{font-weight:600}.back{fill:#fff;stroke:#d1d9e0}.bar{fill:#f6f8fa}.line{stroke:#d1d9e0}
.muted{fill:#59636e}.bubble{fill:#ddf4ff}.tool{fill:#0969da}.high{fill:#d1242f}.medium{fill:#9a6700}
.form{fill:none;stroke:#1a7f37}.yes{fill:#1a7f37;font-weight:600}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.back{fill:#0d1117;stroke:#3d444d}.bar{fill:#151b23}.line{stroke:#3d444d}
.muted{fill:#9198a1}.bubble{fill:#132d4e}.tool{fill:#58a6ff}.high{fill:#ff7b72}.medium{fill:#d29922}
.form{stroke:#3fb950}.yes{fill:#3fb950}
}
`

func newPicture(title string) *picture { return &picture{title: title, y: 44} }

// prompt draws what the user says.
func (p *picture) prompt(text string) {
	p.y += 6
	fmt.Fprintf(&p.body, `<rect class="bubble" x="%d" y="%d" width="%d" height="30" rx="6"/>`+"\n", margin-10, p.y, pictureWidth-2*margin+20)
	p.y += 20
	p.line(margin, span{"› ", "muted"}, span{text, "bold"})
	p.y += 14 + lineHeight
}

// call draws the call of a tool.
func (p *picture) call(tool, arguments string) {
	p.paragraph(margin, span{"● " + tool, "tool"}, span{arguments, "muted"})
}

// result draws a part of a result.
func (p *picture) result(text, class string) { p.paragraph(margin+indent, span{text, class}) }

// finding draws a finding of an audit, in columns.
func (p *picture) finding(severity, name, why string) {
	p.line(margin+indent, span{severity, severity})
	p.line(margin+indent+8*charWidth, span{name, "bold"})
	p.paragraph(margin+indent+24*charWidth, span{why, ""})
}

// form draws a question to the user, and the answer.
func (p *picture) form(question, answer string) {
	top := p.y - 10
	p.y += 11
	p.paragraph(margin+2*indent, span{"raff-mcp asks the user:", "muted"})
	p.paragraph(margin+2*indent, span{question, ""})
	p.paragraph(margin+2*indent, span{"✓ " + answer, "yes"})
	fmt.Fprintf(&p.body, `<rect class="form" x="%d" y="%d" width="%d" height="%d" rx="6"/>`+"\n",
		margin+indent, top, pictureWidth-2*margin-indent, p.y-top-8)
	p.y += 14
}

// paragraph draws spans, separated by spaces, in as many lines as they need.
func (p *picture) paragraph(x int, spans ...span) {
	columns := (pictureWidth - margin - x) * 95 / 100 / charWidth
	var line []span
	used := 0
	for _, s := range spans {
		for i, word := range strings.Fields(s.text) {
			n := utf8.RuneCountInString(word)
			if used > 0 && used+1+n > columns {
				p.line(x, line...)
				p.y += lineHeight
				line, used = nil, 0
			}
			if used > 0 {
				used++
				line[len(line)-1].text += " "
			}
			if i > 0 && used > 0 {
				line[len(line)-1].text += word
			} else {
				line = append(line, span{word, s.class})
			}
			used += n
		}
	}
	p.line(x, line...)
	p.y += lineHeight
}

// line draws a line at the current height.
func (p *picture) line(x int, spans ...span) {
	fmt.Fprintf(&p.body, `<text x="%d" y="%d">`, x, p.y)
	for _, s := range spans {
		if s.class == "" {
			p.body.WriteString(escape(s.text))
			continue
		}
		fmt.Fprintf(&p.body, `<tspan class="%s">%s</tspan>`, s.class, escape(s.text))
	}
	p.body.WriteString("</text>\n")
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder returns no error
	return strings.ReplaceAll(b.String(), "&#34;", `"`)
}

// svg returns the picture.
func (p *picture) svg() []byte {
	height := p.y + 4
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" xml:space="preserve" role="img" aria-labelledby="title desc">`+"\n", pictureWidth, height)
	b.WriteString(`<title id="title">An audit and a rotation with raff-mcp</title>
<desc id="desc">A chat in three steps. An audit of 15 API keys finds keys that need attention. A key that expires soon gets a successor, whose secret goes into a private file and not into the chat. Then the old key is revoked, after a form has asked the user. Calls, form and results are those of the program, in the sandbox; results are shortened at each ellipsis.</desc>
<style>` + pictureStyle + "</style>\n")
	fmt.Fprintf(&b, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", pictureWidth-1, height-1)
	fmt.Fprintf(&b, `<path class="bar" d="M1 36V9a8 8 0 0 1 8-8h%da8 8 0 0 1 8 8v27z"/><path class="line" d="M1 36.5h%d"/>`+"\n", pictureWidth-18, pictureWidth-2)
	fmt.Fprintf(&b, `<text x="%d" y="23"><tspan class="muted">%s</tspan></text>`+"\n", margin, escape(p.title))
	b.WriteString(p.body.String() + "</svg>\n")
	return []byte(b.String())
}
