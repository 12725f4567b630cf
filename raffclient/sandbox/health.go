package sandbox

import "net/http"

func healthRoutes() []route {
	return []route{
		{id: "healthCheck", method: "GET", path: "/health", open: true, status: http.StatusOK, handle: (*API).health},
	}
}

func (a *API) health(call) (any, error) { return map[string]string{"status": "healthy"}, nil }
