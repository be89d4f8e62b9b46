using System.Buffers.Binary;

namespace Distributed.Framework.Data;

/// <summary>The checksum of PNG chunks and zip entries: CRC-32 with polynomial 0x04C11DB7, bits reversed.</summary>
/// <remarks>Eight bytes at a time with eight tables. Source: Kounavis, Berry 2005, "slicing-by-8".</remarks>
internal static class Crc32
{
    private static readonly uint[][] s_tables = MakeTables();

    /// <summary>Continues a checksum.</summary>
    /// <param name="data">The next bytes.</param>
    /// <param name="checksum">The checksum of the bytes before; 0 of none.</param>
    public static uint Append(ReadOnlySpan<byte> data, uint checksum = 0)
    {
        uint[][] tables = s_tables;
        uint crc = ~checksum;
        while (data.Length >= 8)
        {
            uint lower = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            uint upper = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = tables[7][lower & 0xFF] ^ tables[6][(lower >> 8) & 0xFF]
                ^ tables[5][(lower >> 16) & 0xFF] ^ tables[4][lower >> 24]
                ^ tables[3][upper & 0xFF] ^ tables[2][(upper >> 8) & 0xFF]
                ^ tables[1][(upper >> 16) & 0xFF] ^ tables[0][upper >> 24];
            data = data[8..];
        }

        foreach (byte value in data)
        {
            crc = tables[0][(crc ^ value) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[][] MakeTables()
    {
        uint[][] tables = new uint[8][];
        for (int table = 0; table < tables.Length; table++)
        {
            tables[table] = new uint[256];
            for (uint i = 0; i < 256; i++)
            {
                uint crc = table == 0 ? i : tables[table - 1][i];
                for (int bit = 0; bit < 8; bit++)
                {
                    crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
                }

                tables[table][i] = crc;
            }
        }

        return tables;
    }
}
