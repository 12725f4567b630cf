package sandbox

// user is a person with a Raff login, in this account or in none.
type user struct{ id, name, email string }

// users returns all users. They are the same in every sandbox.
func users() []user {
	return []user{
		{UserID, "Olivia Brandt", "olivia@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a603", "Amir Haddad", "amir@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a604", "Bea Lindqvist", "bea@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a605", "Chen Wei", "chen@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a606", "Dana Okafor", "dana@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a607", "Farid Nasser", "farid@meridian.example"},
		{"c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a608", "Gita Rao", "gita@partner.example"},
	}
}

// UserIDOf returns the ID of the user with that email: olivia, amir, bea, chen, dana
// (suspended) and farid (who has left) @meridian.example; gita@partner.example, who is in
// no account and can be added. It is the same in every sandbox. It is "" for any other
// email.
func UserIDOf(email string) string {
	for _, u := range users() {
		if u.email == email {
			return u.id
		}
	}
	return ""
}

// userByID returns the user with that ID.
func userByID(id string) (user, bool) {
	for _, u := range users() {
		if u.id == id {
			return u, true
		}
	}
	return user{}, false
}
