;;; tests/dropin/ecl_data.lisp: data, conditions, weak things and finalisers of ECL. SPDX-License-Identifier: MIT

(setf ext:*invoke-debugger-hook*
      (lambda (condition hook)
        (declare (ignore hook))
        (format t "failed: ~a~%" condition)
        (ext:quit 1)))
(setf *print-pretty* nil)

;; Trees that come and go beside one that stays.
(defstruct node left right (key 0 :type fixnum))
(defun grow (low high)
  (if (> low high)
      nil
      (let ((middle (floor (+ low high) 2)))
        (make-node :left (grow low (1- middle)) :right (grow (1+ middle) high) :key middle))))
(defun total (tree)
  (if tree (+ (node-key tree) (total (node-left tree)) (total (node-right tree))) 0))
(defvar *lasting* (grow 1 30000))
(format t "trees ~a~%" (loop for i below 80 sum (total (grow 1 (* 80 i)))))
(defun pairs (depth) (if (= depth 0) nil (cons (pairs (1- depth)) (pairs (1- depth)))))
(defun leaves (pairs) (if pairs (+ (leaves (car pairs)) (leaves (cdr pairs))) 1))
(format t "pairs ~a~%" (loop repeat 30 sum (leaves (pairs 12))))

;; Numbers that do not fit into a word.
(defun product (low high)
  (if (= low high)
      low
      (let ((middle (floor (+ low high) 2)))
        (* (product low middle) (product (1+ middle) high)))))
(let ((large (product 1 1500)))
  (format t "digits ~a rest ~a~%" (length (prin1-to-string large)) (mod large 1000003)))
(format t "ratio ~a~%" (loop for i from 1 to 60 sum (/ 1 i)))

;; Text, tables, vectors.
(defvar *text*
  (with-output-to-string (s) (dotimes (i 15000) (prin1 (list i "text" #\c 'symbol) s))))
(format t "text ~a~%" (length *text*))
(format t "read ~a~%" (with-input-from-string (s *text*) (loop repeat 3000 count (read s))))
(let ((table (make-hash-table :test 'equal)))
  (dotimes (i 20000) (setf (gethash (format nil "~36r" i) table) (list i (* i i))))
  (loop for i below 20000 by 2 do (remhash (format nil "~36r" i) table))
  (format t "table ~a ~a~%" (hash-table-count table) (gethash "9IX" table)))
(let ((v (make-array 0 :adjustable t :fill-pointer t)))
  (dotimes (i 50000) (vector-push-extend (mod (* i 7919) 50021) v))
  (setf v (sort v #'<))
  (format t "sorted ~a ~a ~a~%" (aref v 0) (aref v 25000) (aref v 49999)))
(format t "bits ~a~%"
        (loop for i below 300
              sum (count 1 (let ((b (make-array 4000 :element-type 'bit :initial-element 0)))
                             (setf (sbit b i) 1) b))))

;; Objects, closures, conditions, ways out.
(defclass shape () ((side :initarg :side :accessor side)))
(defclass box (shape) ((depth :initarg :depth :initform 2 :accessor depth)))
(defgeneric content (shape))
(defmethod content ((s shape)) (* (side s) (side s)))
(defmethod content ((b box)) (* (depth b) (call-next-method)))
(format t "content ~a~%"
        (loop for i below 10000 sum (content (make-instance (if (evenp i) 'box 'shape) :side i))))
(format t "closures ~a~%"
        (loop for f in (loop for i below 5000 collect (let ((n i)) (lambda () (incf n))))
              sum (+ (funcall f) (funcall f))))
(define-condition odd (error) ((n :initarg :n :reader odd-n)))
(format t "handled ~a~%"
        (loop for i below 2000
              sum (handler-case (if (oddp i) (error 'odd :n i) 0) (odd (c) (odd-n c)))))
(format t "restarted ~a~%"
        (loop for i below 500
              sum (handler-bind ((odd (lambda (c) (invoke-restart 'use-value (odd-n c)))))
                    (restart-case (error 'odd :n i) (use-value (v) v)))))
(format t "unwound ~a~%"
        (let ((n 0))
          (dotimes (i 5000 n) (catch 'out (unwind-protect (throw 'out (make-list 20)) (incf n))))))
(format t "evaluated ~a~%"
        (loop for i below 400
              sum (funcall (eval `(lambda (x) (let ((y (list x ,i))) (apply #'+ y)))) 1)))

;; Weak pointers and tables keep what is held.  That this ECL drops nothing, whatever
;; the library, is why nothing is said of the dead ones.
(defun overwrite-stack (depth) (if (= depth 0) 0 (1+ (overwrite-stack (1- depth)))))
(defun collect (times) (loop repeat times do (overwrite-stack 500) (pairs 13) (ext:gc t)))
(let* ((held (loop for i below 300 collect (list i)))
       (pointers (mapcar #'ext:make-weak-pointer held))
       (table (make-hash-table :test 'eq :weakness :key)))
  (dolist (key held) (setf (gethash key table) (car key)))
  (loop for i below 3000 do (setf (gethash (list i) table) i) (ext:make-weak-pointer (list i)))
  (collect 4)
  (format t "weak pointers ~a~%" (every #'eq held (mapcar #'ext:weak-pointer-value pointers)))
  (format t "weak table ~a~%"
          (every (lambda (key) (eql (gethash key table) (car key))) held)))

;; Finalisers run once, after the death only.  They look at no more than the object
;; itself: on libgc its tail may be gone by then.
(defvar *finalised* 0)
(defun make-finalised (n)
  (loop repeat n
        do (ext:set-finalizer (list 1 2 3) (lambda (x) (incf *finalised* (first x))))))
(defvar *kept* (loop for i below 200 collect (list i i)))
(dolist (k *kept*)
  (ext:set-finalizer k (lambda (x) (declare (ignore x)) (setf *finalised* -100000))))
(make-finalised 2000)
(loop repeat 100 until (> *finalised* 1500) do (collect 1) (sleep 0.01))
(format t "finalised ~a kept ~a~%"
        (< 1500 *finalised* 2001) (reduce #'+ (mapcar #'second *kept*)))

(format t "lasting ~a~%" (total *lasting*))
(format t "end~%")
(ext:quit 0)
