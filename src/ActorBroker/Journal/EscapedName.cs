using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ActorBroker.Journal;

/// <summary>Folder names for persistence ids, on any platform: different ids get names that differ in more than case.</summary>
internal static class EscapedName
{
    private const int MaxLength = 180;

    /// <summary>
    /// Lower-case ASCII letters, digits, '-' and '_' stand for themselves, any other byte of the id's UTF-8 as %XX. A name
    /// that gets too long ends in '~' and the SHA-256 of the id instead.
    /// </summary>
    public static string Of(string persistenceId)
    {
        ArgumentException.ThrowIfNullOrEmpty(persistenceId);
        var bytes = Encoding.UTF8.GetBytes(persistenceId);
        var name = new StringBuilder(bytes.Length);
        foreach (var b in bytes)
        {
            if (b is >= (byte)'a' and <= (byte)'z' or >= (byte)'0' and <= (byte)'9' or (byte)'-' or (byte)'_') name.Append((char)b);
            else name.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        if (name.Length <= MaxLength) return name.ToString();
        return string.Concat(name.ToString(0, MaxLength - 65), "~", Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }
}
