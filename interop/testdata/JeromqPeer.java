import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.zeromq.ZMQ;
import org.zeromq.ZMQException;

/**
 * A JeroMQ peer that does what it is told, one line at a time. The lines are
 * those of peer.py, without its commands for monitors; options are limited to
 * those that the tests set.
 */
public final class JeromqPeer {
    private static final ZMQ.Context context = ZMQ.context(1);
    private static final Map<String, ZMQ.Socket> sockets = new HashMap<>();

    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, true, "US-ASCII");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "US-ASCII"));
        out.println("ok jeromq speaks as " + ZMQ.getVersionString());
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line.split(" ")));
        }
        Runtime.getRuntime().halt(0);
    }

    private static String answer(String[] words) {
        try {
            List<String> yield = run(words);
            return yield == null ? "error EAGAIN" : String.join(" ", prepend("ok", yield));
        } catch (ZMQException e) {
            return "error " + e.getErrorCode() + " " + e;
        } catch (RuntimeException e) {
            return "error " + e.toString().replace('\n', ' ');
        }
    }

    /** Carries out one command; null means that its time was up. */
    private static List<String> run(String[] words) {
        ZMQ.Socket s = sockets.get(words[1]);
        List<String> yield = new ArrayList<>();
        switch (words[0]) {
            case "socket":
                s = context.socket(type(words[2]));
                s.setLinger(0);
                sockets.put(words[1], s);
                break;
            case "set":
                set(s, words[2], words[3]);
                break;
            case "bind":
                if (words[2].endsWith(":*")) {
                    String base = words[2].substring(0, words[2].length() - 2);
                    yield.add(base + ":" + s.bindToRandomPort(base));
                } else {
                    s.bind(words[2]);
                    yield.add(words[2]);
                }
                break;
            case "connect":
                s.connect(words[2]);
                break;
            case "unbind":
                s.unbind(words[2]);
                break;
            case "send":
                s.setSendTimeOut(Integer.parseInt(words[2]));
                for (int i = 3; i < words.length; i++) {
                    if (!s.send(unhex(words[i]), i < words.length - 1 ? ZMQ.SNDMORE : 0)) {
                        return null;
                    }
                }
                break;
            case "recv":
                s.setReceiveTimeOut(Integer.parseInt(words[2]));
                do {
                    byte[] frame = s.recv(0);
                    if (frame == null) {
                        return null;
                    }
                    yield.add(hex(frame));
                } while (s.hasReceiveMore());
                break;
            case "close":
                s.setLinger(Long.parseLong(words[2]));
                s.close();
                sockets.remove(words[1]);
                break;
            default:
                throw new IllegalArgumentException("unknown command " + words[0]);
        }
        return yield;
    }

    private static int type(String name) {
        try {
            return ZMQ.class.getField(name).getInt(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("unknown type " + name);
        }
    }

    private static void set(ZMQ.Socket s, String option, String value) {
        String text = value.substring(value.indexOf(':') + 1);
        switch (option) {
            case "ROUTING_ID":
                s.setIdentity(unhex(text));
                break;
            case "SUBSCRIBE":
                s.subscribe(unhex(text));
                break;
            case "UNSUBSCRIBE":
                s.unsubscribe(unhex(text));
                break;
            case "ROUTER_MANDATORY":
                s.setRouterMandatory(!text.equals("0"));
                break;
            case "ROUTER_HANDOVER":
                s.setRouterHandover(!text.equals("0"));
                break;
            case "XPUB_VERBOSE":
                s.setXpubVerbose(!text.equals("0"));
                break;
            case "RECONNECT_IVL":
                s.setReconnectIVL(Long.parseLong(text));
                break;
            default:
                throw new IllegalArgumentException("unknown option " + option);
        }
    }

    private static byte[] unhex(String word) {
        byte[] b = new byte[word.equals("-") ? 0 : word.length() / 2];
        for (int i = 0; i < b.length; i++) {
            b[i] = (byte) Integer.parseInt(word.substring(2 * i, 2 * i + 2), 16);
        }
        return b;
    }

    private static String hex(byte[] frame) {
        StringBuilder text = new StringBuilder(frame.length == 0 ? "-" : "");
        for (byte b : frame) {
            text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return text.toString();
    }

    private static List<String> prepend(String first, List<String> rest) {
        List<String> all = new ArrayList<>();
        all.add(first);
        all.addAll(rest);
        return all;
    }
}
