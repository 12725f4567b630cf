package raffclient

// Sanitize makes text that came from elsewhere fit to be logged or quoted: on one
// line, not too long, and without the client's own key or anything like one.
func (c *Client) Sanitize(text string) string { return c.clean(text) }
