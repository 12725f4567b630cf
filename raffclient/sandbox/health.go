package sandbox

func healthRoutes() []route {
	return []route{
		{id: "healthCheck", method: "GET", path: "/health", open: true, handle: (*API).health},
		{id: "readinessCheck", method: "GET", path: "/ready", open: true, handle: (*API).ready},
	}
}

// ready responds with an invented body: the documentation only says that the endpoint
// exists and requires no key.
func (a *API) ready(call) (any, error) { return map[string]string{"status": "ready"}, nil }

func (a *API) health(call) (any, error) { return map[string]string{"status": "healthy"}, nil }
