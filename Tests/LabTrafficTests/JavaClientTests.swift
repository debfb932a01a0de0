// A Java client, as students of the lab write it, against the real lab-server.

import Foundation
import Testing

@Suite(.serialized) struct JavaClientTests {
    private static let javac = ["/usr/bin/javac", "/usr/local/bin/javac"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private let source = """
        import java.io.*;
        import java.net.*;

        public class LabClient {
            public static void main(String[] arguments) throws IOException {
                try (Socket socket = new Socket("127.0.0.1", Integer.parseInt(arguments[0]))) {
                    if (arguments[1].equals("println")) {
                        PrintWriter out = new PrintWriter(socket.getOutputStream(), true);
                        BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
                        out.println("hola");
                        System.out.println(in.readLine());
                        out.println("fin");
                    } else {
                        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
                        DataInputStream in = new DataInputStream(socket.getInputStream());
                        out.writeUTF("0123456789");
                        System.out.println(in.readUTF());
                        out.writeUTF("fin");
                    }
                }
            }
        }
        """

    @Test(.enabled(if: javac != nil, "javac is not installed: the Java clients are not tried"))
    func linesAndWriteUTF() throws {
        let scratch = try Scratch()
        let compiler = try LabProcess(
            path: try #require(Self.javac),
            ["-J-XX:TieredStopAtLevel=1", "-d", scratch.path, try scratch.write(source, as: "LabClient.java")])
        #expect(compiler.end() == 0, "\(compiler.errors)")
        let (server, port) = try LabProcess.server(["--close"])
        for (form, answer) in [("println", "server: hola"), ("writeUTF", "server: 0123456789")] {
            let client = try LabProcess(
                path: "/usr/bin/env", ["java", "-cp", scratch.path, "LabClient", "\(port)", form])
            #expect(client.end() == 0, "\(client.errors)")
            #expect(client.lines == [answer])
        }
        #expect(wait { server.lines.filter { $0.hasPrefix("closed ") }.count == 2 })
        #expect(server.lines.filter { $0.hasSuffix("(fin)") }.count == 2)
    }
}
