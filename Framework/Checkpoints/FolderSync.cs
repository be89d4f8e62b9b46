using System.Runtime.InteropServices;

namespace Distributed.Framework.Checkpoints;

/// <summary>
/// Flushes a folder, so that a rename or a new file in it survives a power cut. .NET cannot open a folder.
/// </summary>
public static partial class FolderSync
{
    private const int ReadOnly = 0;
    private const int InvalidArgument = 22;

    /// <summary>
    /// Waits until the folder's entries are on disk; does nothing on Windows, which has no such call.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be opened, or the disk failed.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw Fault("open", folder, Marshal.GetLastPInvokeError());
        }

        try
        {
            // Some file systems have no flush for folders and say that the argument is invalid.
            if (FSync(descriptor) < 0 && Marshal.GetLastPInvokeError() is var error and not InvalidArgument)
            {
                throw Fault("flush", folder, error);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Fault(string verb, string folder, int error) =>
        new($"Cannot {verb} the folder {folder}: {Marshal.GetPInvokeErrorMessage(error)}.", error);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
