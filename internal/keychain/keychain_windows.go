package keychain

// exists returns nil: Windows always has a Credential Manager.
func exists() error { return nil }

// HowToRead returns PowerShell code that prints the value of an account, because Windows
// has no command that does. It reads the fields CredentialBlobSize and CredentialBlob of a
// CREDENTIAL at their offsets in a 64-bit process.
func HowToRead(account string) string {
	return `in PowerShell: Add-Type -Namespace Raff -Name Cred -MemberDefinition '[DllImport("advapi32.dll",CharSet=CharSet.Unicode)] public static extern bool CredRead(string n,int t,int f,out IntPtr c);'; ` +
		`$c=[IntPtr]::Zero; if([Raff.Cred]::CredRead('` + Service + ":" + account + `',1,0,[ref]$c)){$m=[Runtime.InteropServices.Marshal]; $m::PtrToStringAnsi($m::ReadIntPtr($c,40),$m::ReadInt32($c,32))}`
}
