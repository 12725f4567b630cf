package printable_test

import (
	"fmt"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

func ExampleString() {
	fmt.Println(printable.String("name\x1b[2J\nnext \\x1b[m \u202e\xff"))
	// Output: name␛[2J␊next ␛[m ??
}

func ExampleShorten() {
	for _, text := range []string{"", "übe", "über", "überlang"} {
		fmt.Println(printable.Shorten(text, 4))
	}
	// Output:
	//
	// übe
	// über
	// übe…
}
