namespace Distributed.Protocol.Wire;

/// <summary>First bytes of the MessagePack values in use.</summary>
internal static class MessagePackCode
{
    public const byte FixArray = 0x90;
    public const byte FixText = 0xA0;
    public const byte False = 0xC2;
    public const byte True = 0xC3;
    public const byte Float64 = 0xCB;
    public const byte UInt8 = 0xCC;
    public const byte UInt16 = 0xCD;
    public const byte UInt32 = 0xCE;
    public const byte UInt64 = 0xCF;
    public const byte Text8 = 0xD9;
    public const byte Text16 = 0xDA;
    public const byte Text32 = 0xDB;
    public const byte Array16 = 0xDC;
    public const byte Array32 = 0xDD;
}
