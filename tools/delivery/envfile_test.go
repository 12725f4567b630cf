package delivery

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const newValue = value("raff_0123456789abcdef")

func TestSetVariable(t *testing.T) {
	for name, tt := range map[string]struct{ old, want string }{
		"empty":                  {"", "KEY=NEW\n"},
		"absent":                 {"A=1\n", "A=1\nKEY=NEW\n"},
		"no final line break":    {"A=1", "A=1\nKEY=NEW"},
		"present":                {"A=1\nKEY=old\nB=2\n", "A=1\nKEY=NEW\nB=2\n"},
		"present, last":          {"A=1\nKEY=old", "A=1\nKEY=NEW"},
		"empty value":            {"KEY=\nB=2\n", "KEY=NEW\nB=2\n"},
		"exported":               {"export KEY=old\n", "export KEY=NEW\n"},
		"indented":               {"\t export  KEY = old\n", "\t export  KEY = NEW\n"},
		"double quotes":          {"KEY=\"old\"\n", "KEY=\"NEW\"\n"},
		"single quotes":          {"KEY='old' # note\n", "KEY='NEW' # note\n"},
		"escaped quote":          {`KEY="o\"ld"` + "\n", `KEY="NEW"` + "\n"},
		"quotes and more":        {`KEY="o"'ld'x # note` + "\n", `KEY="NEW" # note` + "\n"},
		"backquotes":             {"KEY=`pass raff` # note\n", "KEY=NEW # note\n"},
		"several lines":          {"KEY=\"o\nl\nd\"\nB=2\n", "KEY=\"NEW\"\nB=2\n"},
		"unclosed quote":         {"KEY='old\nB=2\n", "KEY=NEW\nB=2\n"},
		"comment":                {"KEY=old   # note=1\n", "KEY=NEW   # note=1\n"},
		"hash in the value":      {"KEY=o#ld\n", "KEY=NEW\n"},
		"only a comment":         {"KEY= # note\n", "KEY= NEW # note\n"},
		"hash as the value":      {"KEY=#old\n", "KEY=NEW\n"},
		"commented out":          {"#KEY=old\n# KEY=old\n", "#KEY=old\n# KEY=old\nKEY=NEW\n"},
		"twice":                  {"KEY=a\nKEY='b'\n", "KEY=NEW\nKEY='NEW'\n"},
		"similar names":          {"MY_KEY=a\nKEY2=b\nKEY.X=c\nkey=d\n", "MY_KEY=a\nKEY2=b\nKEY.X=c\nkey=d\nKEY=NEW\n"},
		"line break of Windows":  {"A=1\r\nKEY=old\r\nB=2\r\n", "A=1\r\nKEY=NEW\r\nB=2\r\n"},
		"Windows, absent":        {"A=1\r\n", "A=1\r\nKEY=NEW\r\n"},
		"Windows, no final":      {"A=1\r\nB=2", "A=1\r\nB=2\r\nKEY=NEW"},
		"byte order mark":        {"\ufeffKEY=old\n", "\ufeffKEY=NEW\n"},
		"byte order mark alone":  {"\ufeff", "\ufeffKEY=NEW\n"},
		"not an assignment":      {"KEY\nset KEY\n= KEY=1\n", "KEY\nset KEY\n= KEY=1\nKEY=NEW\n"},
		"name on one line only":  {"KEY\n=old\n", "KEY\n=old\nKEY=NEW\n"},
		"quoted value of others": {"A='x\ny'\nKEY=old\n", "A='x\ny'\nKEY=NEW\n"},
		"not UTF-8":              {"A=\xff\nKEY=\xfe\n", "A=\xff\nKEY=NEW\n"},
	} {
		want := strings.ReplaceAll(tt.want, "NEW", string(newValue))
		got, err := setVariable([]byte(tt.old), "KEY", newValue)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
		if again, err := setVariable(got, "KEY", newValue); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: setting it again gives %q, %v", name, again, err)
		}
	}
}

func TestSetVariableRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\x00\n":                   "not a text file",
		"B=1\nA=\"x\nKEY=old\ny\"\n":  "line 2 begins a quoted value that contains a line KEY=…",
		"A='x\nexport KEY = old'\n":   "line 1 begins a quoted value",
		"export A=1 KEY=old\n":        "line 1 sets several variables: give KEY a line of its own",
		"export KEY=old A=1\n":        "line 1 sets several variables",
		"A='1' KEY=old\n":             "line 1 sets several variables",
		"KEY='old' A=1\n":             "line 1 sets several variables",
		"B=1\nKEY=old\\\nmore\n":      "line 2 continues on the next line: write the value of KEY on one line",
		"K\x00E\x00Y\x00=\x001\x00\n": "not a text file", // UTF-16
	} {
		if got, err := setVariable([]byte(text), "KEY", newValue); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want %s", text, got, err, want)
		}
	}
}

func TestSetVariableQuotes(t *testing.T) {
	got, err := setVariable([]byte(`KEY="old"`), "KEY", `a'b $c`)
	if want := `KEY='a'\''b $c'`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// Whatever the file contains, the variable has the new value and no other, and all other
// bytes are the same.
func FuzzSetVariable(f *testing.F) {
	for _, text := range []string{"", "A=1\r\nexport KEY='x' # y\nKEY=", "KEY=\"a\nb\"", "\ufeffKEY=1\n#KEY=2"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := setVariable(text, "KEY", newValue)
		if err != nil {
			return
		}
		values := variableValues(got, "KEY")
		if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return v != string(newValue) }) {
			t.Errorf("%q became %q, which sets %q", text, got, values)
		}
		if again, err := setVariable(got, "KEY", newValue); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%q became %q and then %q, %v", text, got, again, err)
		}
		if old := variableValues(text, "KEY"); len(old) == 0 {
			if !bytes.HasPrefix(got, text) {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}
