//go:build unix && !darwin

package delivery

import (
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
)

// keychainExists asks the session bus for a Secret Service. If there is no session bus,
// the keyring library would start one and leave it running.
func keychainExists() error {
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return fmt.Errorf("there is no keychain: no D-Bus session (%w)", err)
	}
	defer bus.Close()
	if err := bus.Auth(nil); err != nil {
		return fmt.Errorf("there is no keychain: D-Bus refuses (%w)", err)
	}
	if err := bus.Hello(); err != nil {
		return fmt.Errorf("there is no keychain: D-Bus refuses (%w)", err)
	}
	for _, method := range []string{"ListNames", "ListActivatableNames"} {
		var names []string
		if err := bus.BusObject().Call("org.freedesktop.DBus."+method, 0).Store(&names); err != nil {
			return fmt.Errorf("ask D-Bus for a keychain: %w", err)
		}
		if slices.Contains(names, "org.freedesktop.secrets") {
			return nil
		}
	}
	return errors.New("there is no keychain: nothing serves the Secret Service in this D-Bus session")
}

func howToRead(account string) string {
	return "secret-tool lookup service " + service + " username " + account
}
