package dev.althing.oracle;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.fisco.bcos.sdk.crypto.CryptoSuite;
import org.fisco.bcos.sdk.crypto.keypair.CryptoKeyPair;
import org.fisco.bcos.sdk.crypto.signature.ECDSASignatureResult;
import org.fisco.bcos.sdk.crypto.signature.SM2SignatureResult;
import org.fisco.bcos.sdk.crypto.signature.SignatureResult;
import org.fisco.bcos.sdk.model.CryptoType;
import org.fisco.bcos.sdk.transaction.codec.encode.TransactionEncoderService;
import org.fisco.bcos.sdk.transaction.model.po.RawTransaction;

/** What FISCO's java-sdk makes of fixed keys and transactions, and whether it takes the signatures that are made here. */
public final class Oracle {
    private static final HexFormat HEX = HexFormat.of();
    private static final String[] SECRETS = {
        "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
        "4646464646464646464646464646464646464646464646464646464646464646",
        "0707070707070707070707070707070707070707070707070707070707070707",
    };

    private Oracle() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1) {
            System.exit(verify(Files.readString(Path.of(arguments[0]))) ? 0 : 1);
        }
        System.out.println("Made by FISCO's java-sdk 2.10.1 with the program in tests/oracle.");
        for (int type : new int[] {CryptoType.ECDSA_TYPE, CryptoType.SM_TYPE}) {
            for (String secret : SECRETS) {
                for (int number = 1; number <= 2; number++) {
                    print(type, secret, number);
                }
            }
        }
        System.exit(0);
    }

    private static void print(int type, String secret, int number) {
        CryptoSuite suite = new CryptoSuite(type);
        CryptoKeyPair pair = suite.createKeyPair(secret);
        RawTransaction transaction =
                RawTransaction.createTransaction(
                        BigInteger.valueOf(1000 + number),
                        BigInteger.valueOf(300_000_000),
                        BigInteger.valueOf(300_000_000),
                        BigInteger.valueOf(500),
                        "0x" + "0".repeat(36) + "1009",
                        BigInteger.ZERO,
                        "0x3590b49f" + "ab".repeat(32 * number),
                        BigInteger.valueOf(20260),
                        BigInteger.ONE,
                        "");
        TransactionEncoderService encoder = new TransactionEncoderService(suite);
        byte[] unsigned = encoder.encode(transaction, null);
        byte[] digest = suite.hash(unsigned);
        SignatureResult signature = suite.sign(digest, pair);
        System.out.println();
        line("edition", name(type));
        line("secret", secret);
        String point = pair.getHexPublicKey();
        line("public", point.substring(point.length() - 128));
        line("address", pair.getAddress().substring(2));
        line("unsigned", HEX.formatHex(unsigned));
        line("digest", HEX.formatHex(digest));
        line("signature", HEX.formatHex(signature.getR()) + HEX.formatHex(signature.getS()) + signer(signature));
        line("raw", HEX.formatHex(encoder.encode(transaction, signature)));
    }

    private static String signer(SignatureResult signature) {
        if (signature instanceof SM2SignatureResult sm) {
            return HEX.formatHex(sm.getPub());
        }
        return HEX.formatHex(new byte[] {((ECDSASignatureResult) signature).getV()});
    }

    private static String name(int type) {
        return type == CryptoType.SM_TYPE ? "sm" : "standard";
    }

    private static void line(String key, String value) {
        System.out.println(key + " = " + value);
    }

    /** Whether every block of a file holds, and none of them over another digest. */
    private static boolean verify(String text) {
        boolean all = true;
        int count = 0;
        for (String block : text.split("\n\n")) {
            Map<String, String> values = new HashMap<>();
            for (String one : block.split("\n")) {
                String[] parts = one.split(" = ", 2);
                if (parts.length == 2) {
                    values.put(parts[0], parts[1]);
                }
            }
            if (values.isEmpty()) {
                continue;
            }
            int type = values.get("edition").equals("sm") ? CryptoType.SM_TYPE : CryptoType.ECDSA_TYPE;
            CryptoSuite suite = new CryptoSuite(type);
            CryptoKeyPair pair = suite.createKeyPair(values.get("secret"));
            boolean account = pair.getAddress().substring(2).equals(values.get("address"));
            // The standard form ends in the parity, the SM form in the key that the SDK is asked about anyway.
            String signature = values.get("signature").substring(0, type == CryptoType.SM_TYPE ? 128 : 130);
            boolean holds = suite.verify(pair.getHexPublicKey(), values.get("digest"), signature);
            boolean other = suite.verify(pair.getHexPublicKey(), "00".repeat(32), signature);
            System.out.println(values.get("edition") + ": address " + account + ", holds " + holds + ", over another digest " + other);
            all &= account && holds && !other;
            count++;
        }
        System.out.println(count + " blocks: " + (all ? "all hold" : "NOT all hold"));
        return all && count > 0;
    }
}
