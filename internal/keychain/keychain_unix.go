//go:build unix && !darwin

package keychain

import (
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
)

// exists asks the session bus for a Secret Service. If there is no session bus,
// the keyring library would start one and leave it running.
//
// An MCP client may start the program without DBUS_SESSION_BUS_ADDRESS. Package dbus then
// looks for the bus of the user in /run/user.
func exists() error {
	bus, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return fmt.Errorf("%w: no D-Bus session (%w)", ErrAbsent, err)
	}
	defer bus.Close()
	if err := bus.Auth(nil); err != nil {
		return fmt.Errorf("%w: D-Bus refuses (%w)", ErrAbsent, err)
	}
	if err := bus.Hello(); err != nil {
		return fmt.Errorf("%w: D-Bus refuses (%w)", ErrAbsent, err)
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
	return fmt.Errorf("%w: nothing serves the Secret Service in this D-Bus session", ErrAbsent)
}

// HowToRead returns a command that prints the value of an account.
func HowToRead(account string) string {
	return "secret-tool lookup service " + Service + " username " + account
}
