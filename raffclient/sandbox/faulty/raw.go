package faulty

import (
	"io"
	"net"
	"net/http"
)

// Raw returns a handler that responds to every request with these bytes, which need not be
// HTTP. Then it sends nothing more, and closes the connection when the client does.
func Raw(response string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, response)
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
	})
}
